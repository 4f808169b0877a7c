"""Classes of workers, and which jobs they may run.

A class is the name of a queue of the broker. A job fits it if it fits any of its live workers; the smallest
class that a job fits is its own. A worker's class is named by its devices: `cpu`, `gpu.24g`, `gpu.2x80g`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.queue.needs import Needs

CPU = "cpu"
UNKNOWN = "unknown"
"""The class of a worker whose devices have not been tested yet. No worker reads such a queue."""

# Sizes that GPUs are sold with, in GB. What a driver calls free is up to an eighth less.
_SIZES = (4, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 80, 94, 120, 141, 180, 288)
_LEAST_SHARE = 0.875
_GIB = 2**30

LONGEST_ON_CPU_SECONDS = 900.0
"""A job that takes longer on a CPU is placed on a GPU, if one fits."""


class Capacity(BaseModel):
    """What a worker has for a job, as it found it when it started."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    gpus: int = Field(0, ge=0, description="GPUs that share a job; 0 for a worker that computes on its CPU.")
    device_bytes: int = Field(0, ge=0, description="Free memory of each GPU; of several, of the smallest.")
    host_bytes: int = Field(ge=0, description="Memory of the host that a job's processes may hold.")
    scratch_bytes: int = Field(ge=0, description="Room on the scratch disk.")

    @property
    def size(self) -> tuple[int, ...]:
        """The order of classes, from the smallest."""
        return self.gpus, self.device_bytes, self.host_bytes, self.scratch_bytes


Classes = Mapping[str, tuple[Capacity, ...]]
"""What the workers of each class have, the smallest first."""


def class_of(capacity: Capacity) -> str:
    """Name the class of a worker: `cpu`, `gpu.80g`, or `gpu.2x80g` for two GPUs that share each job."""
    if not capacity.gpus:
        return CPU
    free = capacity.device_bytes / _GIB
    size = max((size for size in _SIZES if free >= _LEAST_SHARE * size), default=_SIZES[0])
    return f"gpu.{size}g" if capacity.gpus == 1 else f"gpu.{capacity.gpus}x{size}g"


def classes_of(workers: Iterable[tuple[str, Capacity]]) -> Classes:
    """Return what the workers of each class have, the smallest first. Each is given by its class."""
    found: dict[str, set[Capacity]] = defaultdict(set)
    for name, capacity in workers:
        found[name].add(capacity)
    return {name: tuple(sorted(has, key=lambda it: it.size)) for name, has in found.items()}


def fits(needs: Needs, capacity: Capacity) -> bool:
    """Whether a worker has what a job needs."""
    return all(missing <= 0 for missing in _missing(needs, capacity).values())


def nearest(needs: Needs, classes: Classes) -> list[tuple[str, Capacity]]:
    """Return what the worker of each class has that lacks least for a job, the smallest class first."""
    best = [
        (name, min(has, key=lambda it: (_lacks(needs, it), it.size))) for name, has in classes.items() if has
    ]
    return sorted(best, key=lambda it: (it[1].size, it[0]))


def smallest_that_fits(needs: Needs, classes: Classes) -> str | None:
    """Return the class of the smallest worker that a job fits, which is the job's own; None if it fits none.

    CPUs come first for a short job and last for a long one.
    """
    fitting = [
        (_rank(needs, capacity), name)
        for name, has in classes.items()
        for capacity in has
        if fits(needs, capacity)
    ]
    return min(fitting)[1] if fitting else None


def _rank(needs: Needs, capacity: Capacity) -> tuple[int, ...]:
    if capacity.gpus:
        return (1, *capacity.size)
    return (0 if needs.cpu_seconds <= LONGEST_ON_CPU_SECONDS else 2, *capacity.size)


def unschedulable_reason(needs: Needs, classes: Classes) -> str:
    """Say what a job needs that no class has, with the numbers, and what would help.

    Compares with the worker that lacks least. There is at least one.
    """
    name, has = min(nearest(needs, classes), key=lambda it: (_lacks(needs, it[1]), it[0]))
    missing = [resource for resource, lack in _missing(needs, has).items() if lack > 0]
    helps = "; or ".join(_HELPS[resource](needs) for resource in missing)
    lacks = missing_resources(needs, has)
    return (
        f"fits nowhere: class {name} is nearest of those connected, and the job needs {lacks}; {helps} "
        "(where the estimate is wrong, the request's placement says better)"
    )


def missing_resources(needs: Needs, capacity: Capacity) -> str:
    """Say what a job needs that a worker lacks, with both numbers; an empty text if it lacks nothing."""
    wanted, has = _wanted(needs, capacity), _has(capacity)
    return " and ".join(
        f"{_in_words(resource, wanted[resource])} (it has {_in_words(resource, has[resource])})"
        for resource in wanted
        if wanted[resource] > has[resource]
    )


def _has(capacity: Capacity) -> dict[str, int]:
    return {
        "gpus": capacity.gpus,
        "device": capacity.device_bytes,
        "host": capacity.host_bytes,
        "scratch": capacity.scratch_bytes,
    }


def _wanted(needs: Needs, capacity: Capacity) -> dict[str, int]:
    """What a job needs of a worker like this one."""
    if not capacity.gpus and not needs.gpus:
        return {"gpus": 0, "device": 0, "host": needs.cpu_bytes, "scratch": needs.scratch_bytes}
    return {
        "gpus": max(1, needs.gpus),
        "device": needs.device_bytes,
        "host": needs.host_bytes,
        "scratch": needs.scratch_bytes,
    }


def _missing(needs: Needs, capacity: Capacity) -> dict[str, int]:
    wanted, has = _wanted(needs, capacity), _has(capacity)
    return {resource: wanted[resource] - has[resource] for resource in wanted}


def _lacks(needs: Needs, capacity: Capacity) -> float:
    """How many times as much the job needs as there is, of what is scarcest."""
    wanted, has = _wanted(needs, capacity), _has(capacity)
    return max(wanted[resource] / max(has[resource], 1) for resource in wanted)


def _in_words(resource: str, amount: int) -> str:
    if resource == "gpus":
        return "no GPU" if not amount else f"{amount} GPU{'s' if amount > 1 else ''}"
    return f"{amount / 1e9:.1f} GB of {_NAMES[resource]}"


_NAMES = {"device": "GPU memory", "host": "host memory", "scratch": "scratch disk"}


def _larger_gpu(needs: Needs) -> str:
    sizes = (size for size in _SIZES if _LEAST_SHARE * size * _GIB >= needs.device_bytes)
    named = next(sizes, None)
    worker = "a worker with more GPU memory" if named is None else f"a worker of class gpu.{named}g or larger"
    return f"{worker} would help"


_HELPS: Mapping[str, Any] = {
    "gpus": lambda needs: f"a worker with {_in_words('gpus', max(1, needs.gpus))} would help",
    "device": _larger_gpu,
    "host": lambda needs: "a worker with more host memory would help, or fewer calibration windows",
    "scratch": lambda needs: "more free disk on the worker would help, or fewer calibration windows",
}
