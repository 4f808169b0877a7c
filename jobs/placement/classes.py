"""Classes of workers, and the choice of one.

A class is the name of a queue. A job fits it if it fits any of its live workers. A worker's own name
for its class comes from its devices: `cpu`, `gpu.24g`, `gpu.2x80g`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobs.placement.needs import UNKNOWN_NEEDS, Needs

CPU = "cpu"
UNPLACED = "prune"
"""The queue of jobs that were given to no class. Whoever reads it without saying what it has takes every job,
whatever it needs."""
UNKNOWN = "unknown"
"""The class of a worker whose devices have not been tested yet. Nobody reads such a queue."""

# Sizes that GPUs are sold with, in GB. What a driver calls free is up to an eighth less.
_SIZES = (4, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 80, 94, 120, 141, 180, 288)
_LEAST_SHARE = 0.875
_GIB = 2**30

LONGEST_ON_CPU_SECONDS = 900.0
"""A job that takes longer on a CPU goes to a GPU, if one fits."""


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

    def covers(self, other: "Capacity") -> bool:
        """Whether every job that fits the other worker fits this one."""
        alike = bool(self.gpus) == bool(other.gpus)
        return alike and all(mine >= its for mine, its in zip(self.size, other.size, strict=True))


Classes = Mapping[str, tuple[Capacity | None, ...]]
"""What the workers of each class have, the smallest first. None, last and in `UNPLACED` alone, is for those
that have not said it and take every job."""


def class_of(capacity: Capacity) -> str:
    """Name the class of a worker: `cpu`, `gpu.80g`, or `gpu.2x80g` for two GPUs that share each job."""
    if not capacity.gpus:
        return CPU
    free = capacity.device_bytes / _GIB
    size = max((size for size in _SIZES if free >= _LEAST_SHARE * size), default=_SIZES[0])
    return f"gpu.{size}g" if capacity.gpus == 1 else f"gpu.{capacity.gpus}x{size}g"


def classes_of(
    workers: Iterable[tuple[Sequence[str], Capacity | None]],
) -> dict[str, tuple[Capacity | None, ...]]:
    """Return the classes of workers, each given by the queues that it reads and what it has.

    A worker that has not said yet what it has counts only where it takes every job.
    """
    found: dict[str, set[Capacity | None]] = defaultdict(set)
    for queues, capacity in workers:
        for queue in queues:
            if queue == UNPLACED or capacity is not None:
                found[queue].add(capacity)
    return {queue: _smallest_first(has) for queue, has in found.items()}


def largest(has: Iterable[Capacity | None]) -> tuple[Capacity | None, ...]:
    """Return as few of these as decide what fits any of them: without those that another one covers."""
    found: list[Capacity] = []
    for capacity in reversed(_smallest_first(set(has))):
        if capacity is None:
            return (None,)
        if not any(larger.covers(capacity) for larger in found):
            found.append(capacity)
    return tuple(found)


def gained(before: Classes, after: Classes) -> bool:
    """Whether a job may fit any of the workers now that fitted none before."""
    had, has = (largest(one for of_class in it.values() for one in of_class) for it in (before, after))
    known = [capacity for capacity in had if capacity is not None]
    if len(known) < len(had):  # one took every job
        return False
    return any(new is None or not any(old.covers(new) for old in known) for new in has)


def _smallest_first(capacities: Iterable[Capacity | None]) -> tuple[Capacity | None, ...]:
    return tuple(sorted(capacities, key=lambda it: (it is None, () if it is None else it.size)))


def say_what_they_have(classes: Classes) -> bool:
    """Whether any worker has said what it has. Otherwise every worker takes every job."""
    return any(capacity is not None for has in classes.values() for capacity in has)


def fits_any(needs: Needs | None, has: Iterable[Capacity | None]) -> bool:
    """Whether any of these workers takes a job, as far as it is known what both need and have."""
    wanted = UNKNOWN_NEEDS if needs is None else needs
    return any(capacity is None or fits(wanted, capacity) for capacity in has)


def fits(needs: Needs, capacity: Capacity) -> bool:
    """Whether a worker has what a job needs."""
    return all(missing <= 0 for missing in _missing(needs, capacity).values())


def nearest(needs: Needs, classes: Classes) -> list[tuple[str, Capacity]]:
    """Return what the worker of each class has that lacks least for a job, the smallest class first.

    Workers that have not said what they have are left out.
    """
    known = {name: [capacity for capacity in has if capacity is not None] for name, has in classes.items()}
    best = [
        (name, min(has, key=lambda it: (_lacks(needs, it), it.size))) for name, has in known.items() if has
    ]
    return sorted(best, key=lambda it: (it[1].size, it[0]))


def smallest_that_fits(needs: Needs | None, classes: Classes) -> str | None:
    """Return the class of the smallest worker that a job fits; None if it fits none.

    CPUs come first for a short job and last for a long one; the queue of no class comes last of all.
    A job of which nothing is known (`needs` is None) begins with the smallest GPU.
    """
    wanted = UNKNOWN_NEEDS if needs is None else needs
    fitting = [
        (_rank(wanted, None if name == UNPLACED else capacity), name)
        for name, has in classes.items()
        for capacity in has
        if capacity is None or fits(wanted, capacity)
    ]
    return min(fitting)[1] if fitting else None


def smallest_first(queues: Iterable[str], classes: Classes) -> list[str]:
    """Return these queues by the smallest worker of each, those without a live one first."""
    sizes = _sizes(classes)
    return sorted(queues, key=lambda queue: (sizes.get(queue, ()), queue))


def larger_than(queue: str, classes: Classes) -> list[str]:
    """Return the classes that may take the jobs of a smaller one, the nearest first.

    Where that has no live worker, those with GPUs may: a job is long on a CPU.
    """
    sizes = _sizes(classes)
    if queue == UNPLACED:
        return []
    larger = [name for name, size in sizes.items() if size > sizes.get(queue, (1,))]
    return smallest_first(larger, classes)


def smaller_than(has: Sequence[Capacity | None], classes: Classes) -> Classes:
    """Return the classes that are smaller than one whose workers have this, the smallest first."""
    sizes = _sizes(classes)
    if not has or has[0] is None:
        return {}
    return {name: classes[name] for name, size in sizes.items() if size < has[0].size}


def _sizes(classes: Classes) -> dict[str, tuple[int, ...]]:
    smallest = {name: has[0] for name, has in classes.items() if name != UNPLACED and has}
    return {name: capacity.size for name, capacity in smallest.items() if capacity is not None}


def _rank(needs: Needs, capacity: Capacity | None) -> tuple[int, ...]:
    if capacity is None:
        return (3,)
    if capacity.gpus:
        return (1, *capacity.size)
    return (0 if needs.cpu_seconds <= LONGEST_ON_CPU_SECONDS else 2, *capacity.size)


def why_nowhere(needs: Needs, classes: Classes) -> str:
    """Say what a job needs that no class has, with the numbers, and what would help.

    Compares with the worker that lacks least. There is at least one that has said what it has.
    """
    name, has = min(nearest(needs, classes), key=lambda it: (_lacks(needs, it[1]), it[0]))
    missing = [resource for resource, lack in _missing(needs, has).items() if lack > 0]
    helps = "; or ".join(_HELPS[resource](needs) for resource in missing)
    lacks = what_is_missing(needs, has)
    return (
        f"fits nowhere: class {name} is nearest of those connected, and the job needs {lacks}; {helps} "
        "(where the estimate is wrong, the request's placement says better)"
    )


def what_is_missing(needs: Needs, capacity: Capacity) -> str:
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
