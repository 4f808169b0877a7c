"""What a job needs of a worker, what a worker has, and the queues.

Workers with equal resources read one queue of the broker, named by their devices: `cpu`, `gpu.24g`,
`gpu.2x80g`. A job fits a queue if it fits any of its live workers; the smallest that it fits is its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from jobs.spec.job import JobSpec
from pruning.estimate import Machine, ModelShape, disk, slowest_machine
from pruning.estimate.work import Windows

MARGIN = 1.1
"""Needs over the estimate, which counts tensors: allocators keep some more."""

# A process with torch and transformers, and with the libraries of CUDA.
_PROCESS_BYTES, _CUDA_PROCESS_BYTES = 1_000_000_000, 3_000_000_000

# So small that every stage uses as little memory as it can: gradients streamed, models evaluated by block.
_SMALLEST_GPU = Machine(
    device="cuda", memory_bytes=1, operations_per_second={"bfloat16": 1e14}, bytes_per_second=1e12
)
_SMALLEST_CPU = Machine(
    device="cpu", memory_bytes=1, operations_per_second={"float32": 1e11}, bytes_per_second=1e10
)

MIN_SHARE_OF_ESTIMATE = 0.25
"""A request may say that its job needs less than estimated, down to this share of the estimate."""

CPU_QUEUE = "cpu"

UNKNOWN_QUEUE = "unknown"
"""The queue of a worker whose devices have not been tested yet. No worker reads it."""

# Sizes that GPUs are sold with, in GB. What a driver calls free is up to an eighth less.
_GPU_SIZES = (4, 6, 8, 10, 11, 12, 16, 20, 24, 32, 40, 48, 80, 94, 120, 141, 180, 288)
_MIN_FREE_SHARE = 0.875
_GIB = 2**30

MAX_CPU_SECONDS = 900.0
"""A job that takes longer on a CPU is placed on a GPU, if one fits."""

_NAMES = {"device": "GPU memory", "host": "host memory", "scratch": "scratch disk"}


class Needs(BaseModel):
    """The least that a job needs of a worker. Zeros fit every worker."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    gpus: int = Field(0, ge=0, description="GPUs that share the job; 0: it may run on a CPU.")
    device_bytes: int = Field(0, ge=0, description="Memory of each GPU, on a worker that has any.")
    host_bytes: int = Field(0, ge=0, description="Memory of the host, on a worker with a GPU.")
    cpu_bytes: int = Field(0, ge=0, description="Memory of the host, on a worker without a GPU.")
    scratch_bytes: int = Field(0, ge=0, description="Room on the scratch disk, on a worker with a GPU.")
    cpu_scratch_bytes: int = Field(
        0, ge=0, description="Room on the scratch disk, on a worker without a GPU, whose dtype may be wider."
    )
    cpu_seconds: float = Field(0.0, ge=0, description="Time that a worker without a GPU would take.")

    @classmethod
    def of(cls, spec: JobSpec, shape: ModelShape, machines: Iterable[Machine] = ()) -> Self:
        """Estimate what a job on a model of this shape needs; what its request says holds instead.

        `machines`: the time without a GPU is that of the slowest machine without one.
        """
        cpus = [machine for machine in machines if machine.kind == "cpu"]
        on_gpu, on_cpu = spec.estimate(shape, _SMALLEST_GPU), spec.estimate(shape, _SMALLEST_CPU)
        least_of_host = _CUDA_PROCESS_BYTES + disk.shards_in_memory(spec.recipe, shape)
        estimated = cls(
            device_bytes=int(MARGIN * on_gpu.memory_bytes),
            host_bytes=max(least_of_host, _with_llama(spec, shape, on_gpu.dtype)),
            # The kernel drops the pages of the mapped checkpoint where it needs room.
            cpu_bytes=max(
                _PROCESS_BYTES,
                int(MARGIN * (on_cpu.memory_bytes - shape.stored_bytes)),
                _with_llama(spec, shape, on_cpu.dtype),
            ),
            scratch_bytes=_scratch(spec, shape, on_gpu.dtype),
            cpu_scratch_bytes=_scratch(spec, shape, on_cpu.dtype),
            # Not on the smallest one, which streams everything, and has one dtype.
            cpu_seconds=spec.estimate(shape, slowest_machine(cpus, spec.recipe, shape)).seconds,
        )
        return estimated.with_request(spec)

    def with_request(self, spec: JobSpec) -> Self:
        """Return these needs with what the request says in place of an estimate.

        Nothing gets lower than `MIN_SHARE_OF_ESTIMATE` of the estimate: a request for less would occupy a
        worker, only to run out of memory there. The time is always the estimated one.
        """
        request = spec.resources
        if request is None:
            return self
        changes = {
            "gpus": request.gpus,
            "device_bytes": request.device_bytes,
            "host_bytes": request.host_bytes,
            "cpu_bytes": request.host_bytes,
            "scratch_bytes": request.scratch_bytes,
            "cpu_scratch_bytes": request.scratch_bytes,
        }
        return self.model_copy(
            update={
                name: max(value, int(MIN_SHARE_OF_ESTIMATE * getattr(self, name)))
                for name, value in changes.items()
                if value is not None
            }
        )

    def max_with(self, estimated: "Needs") -> Self:
        """Return these needs where they are more than those estimated now, and otherwise those."""
        amounts = self.model_dump(exclude={"cpu_seconds"})
        larger = {name: max(getattr(self, name), getattr(estimated, name)) for name in amounts}
        return self.model_copy(update={**larger, "cpu_seconds": estimated.cpu_seconds})

    def raised_above(self, *, gpus: int, device_bytes: int, host_bytes: int, of_host: bool) -> Self:
        """Return these needs after a worker that has so much ran out of memory: they are more than that.

        `of_host`: it was the host's memory, and not that of its GPUs. More by an eighth, because like
        machines differ a little in what is free, and are of no help.
        """
        if gpus and not of_host:
            more = device_bytes + device_bytes // 8 + 1
            return self.model_copy(
                update={"device_bytes": max(self.device_bytes, more), "gpus": max(self.gpus, 1)}
            )
        # A host without a GPU needs as much: it holds what the GPU would as well.
        more = host_bytes + host_bytes // 8 + 1
        raised = {"cpu_bytes": max(self.cpu_bytes, more)}
        if gpus:
            raised["host_bytes"] = max(self.host_bytes, more)
        return self.model_copy(update=raised)


def _with_llama(spec: JobSpec, shape: ModelShape, dtype: str) -> int:
    """Return the host memory of exports: llama.cpp maps a file next to the dense model in 16 bits.

    It needs memory of its own besides. `dtype`: of the computation.
    """
    if not spec.exports:
        return 0
    states = disk.final_states(shape, Windows.of_exports(spec.evaluation, shape).tokens, dtype)
    written = disk.exports(shape, spec.exports, states=states)
    return _CUDA_PROCESS_BYTES + written - disk.exported_files(shape, spec.exports)


def _scratch(spec: JobSpec, shape: ModelShape, dtype: str) -> int:
    """Return the most that a run in a dtype has on the scratch disk at a time."""
    files = disk.RunFiles.estimated(
        spec.recipe, spec.evaluation, shape, dtype, exports=spec.exports, save_masks=spec.save_masks
    )
    return max(shards + output for shards, output in files.moments())


UNKNOWN_NEEDS = Needs(cpu_seconds=1e9)
"""Of a job of which nothing is known: it fits every worker, and takes long on a CPU."""


def needs_of(stored: Mapping[str, Any]) -> Needs:
    """Return what a job needs, as its row has it: an empty document where nothing is known."""
    return Needs.model_validate(stored) if stored else UNKNOWN_NEEDS


def requested_needs(spec: JobSpec) -> Needs | None:
    """Return what the request says of a job of which nothing else is known; None if it says nothing."""
    return None if spec.resources is None else UNKNOWN_NEEDS.with_request(spec)


class Capacity(BaseModel):
    """What a worker has for a job, as it found it when it started, or its disk since."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    gpus: int = Field(0, ge=0, description="GPUs that share a job; 0 for a worker that computes on its CPU.")
    device_bytes: int = Field(0, ge=0, description="Free memory of each GPU; of several, of the smallest.")
    host_bytes: int = Field(ge=0, description="Memory of the host that a job's processes may hold.")
    scratch_bytes: int = Field(ge=0, description="Room on the scratch disk.")

    @property
    def size(self) -> tuple[int, ...]:
        """The order of workers, from the smallest."""
        return self.gpus, self.device_bytes, self.host_bytes, self.scratch_bytes


CapacitiesByQueue = Mapping[str, tuple[Capacity, ...]]
"""What the workers of each queue have, the smallest first."""


def queue_name(capacity: Capacity) -> str:
    """Name the queue of a worker: `cpu`, `gpu.80g`, or `gpu.2x80g` for two GPUs that share each job."""
    if not capacity.gpus:
        return CPU_QUEUE
    free = capacity.device_bytes / _GIB
    size = max((size for size in _GPU_SIZES if free >= _MIN_FREE_SHARE * size), default=_GPU_SIZES[0])
    return f"gpu.{size}g" if capacity.gpus == 1 else f"gpu.{capacity.gpus}x{size}g"


def capacities_by_queue(workers: Iterable[tuple[str, Capacity]]) -> CapacitiesByQueue:
    """Return what the workers of each queue have, the smallest first. Each is given with its queue."""
    found: dict[str, set[Capacity]] = defaultdict(set)
    for name, capacity in workers:
        found[name].add(capacity)
    return {name: tuple(sorted(has, key=lambda it: it.size)) for name, has in found.items()}


def fits(needs: Needs, capacity: Capacity) -> bool:
    """Whether a worker has what a job needs."""
    return all(missing <= 0 for missing in _missing(needs, capacity).values())


def nearest_by_queue(needs: Needs, queues: CapacitiesByQueue) -> list[tuple[str, Capacity]]:
    """Return what the worker of each queue has that lacks least for a job, the smallest queue first."""
    best = [
        (name, min(has, key=lambda it: (_shortage_ratio(needs, it), it.size)))
        for name, has in queues.items()
        if has
    ]
    return sorted(best, key=lambda it: (it[1].size, it[0]))


def smallest_that_fits(needs: Needs, queues: CapacitiesByQueue) -> str | None:
    """Return the queue of the smallest worker that a job fits, which is the job's own; None if it fits none.

    CPUs come first for a short job and last for a long one.
    """
    fitting = [
        (_rank(needs, capacity), name)
        for name, has in queues.items()
        for capacity in has
        if fits(needs, capacity)
    ]
    return min(fitting)[1] if fitting else None


def _rank(needs: Needs, capacity: Capacity) -> tuple[int, ...]:
    if capacity.gpus:
        return (1, *capacity.size)
    return (0 if needs.cpu_seconds <= MAX_CPU_SECONDS else 2, *capacity.size)


def unschedulable_reason(needs: Needs, queues: CapacitiesByQueue) -> str:
    """Say what a job needs that no worker has, with the numbers, and what would help.

    Compares with the worker that lacks least. There is at least one.
    """
    name, has = min(nearest_by_queue(needs, queues), key=lambda it: (_shortage_ratio(needs, it[1]), it[0]))
    missing = [resource for resource, lack in _missing(needs, has).items() if lack > 0]
    helps = "; or ".join(_REMEDIES[resource](needs) for resource in missing)
    lacks = missing_resources(needs, has)
    return (
        f"fits nowhere: the nearest worker is of the queue {name}, and the job needs {lacks}; {helps} "
        "(where the estimate is wrong, the request's `resources` say better)"
    )


def missing_resources(needs: Needs, capacity: Capacity) -> str:
    """Say what a job needs that a worker lacks, with both numbers; an empty text if it lacks nothing."""
    wanted, has = _wanted(needs, capacity), _available(capacity)
    return " and ".join(
        f"{_amount(resource, wanted[resource])} (it has {_amount(resource, has[resource])})"
        for resource in wanted
        if wanted[resource] > has[resource]
    )


def _available(capacity: Capacity) -> dict[str, int]:
    return {
        "gpus": capacity.gpus,
        "device": capacity.device_bytes,
        "host": capacity.host_bytes,
        "scratch": capacity.scratch_bytes,
    }


def _wanted(needs: Needs, capacity: Capacity) -> dict[str, int]:
    """What a job needs of a worker like this one."""
    if not capacity.gpus and not needs.gpus:
        return {"gpus": 0, "device": 0, "host": needs.cpu_bytes, "scratch": needs.cpu_scratch_bytes}
    return {
        "gpus": max(1, needs.gpus),
        "device": needs.device_bytes,
        "host": needs.host_bytes,
        "scratch": needs.scratch_bytes,
    }


def _missing(needs: Needs, capacity: Capacity) -> dict[str, int]:
    wanted, has = _wanted(needs, capacity), _available(capacity)
    return {resource: wanted[resource] - has[resource] for resource in wanted}


def _shortage_ratio(needs: Needs, capacity: Capacity) -> float:
    """How many times as much the job needs as there is, of what is scarcest."""
    wanted, has = _wanted(needs, capacity), _available(capacity)
    return max(wanted[resource] / max(has[resource], 1) for resource in wanted)


def _amount(resource: str, amount: int) -> str:
    if resource == "gpus":
        return "no GPU" if not amount else f"{amount} GPU{'s' if amount > 1 else ''}"
    return f"{amount / 1e9:.1f} GB of {_NAMES[resource]}"


def _larger_gpu(needs: Needs) -> str:
    sizes = (size for size in _GPU_SIZES if _MIN_FREE_SHARE * size * _GIB >= needs.device_bytes)
    named = next(sizes, None)
    has = "with more GPU memory" if named is None else f"of the queue gpu.{named}g or larger"
    return f"a worker {has} would help"


_REMEDIES: Mapping[str, Any] = {
    "gpus": lambda needs: f"a worker with {_amount('gpus', max(1, needs.gpus))} would help",
    "device": _larger_gpu,
    "host": lambda needs: "a worker with more host memory would help, or fewer calibration windows",
    "scratch": lambda needs: "more free disk on the worker would help, or fewer calibration windows",
}
