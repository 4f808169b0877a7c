"""What a job needs of its worker: from the estimate, or as the request says."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from jobs.spec.job import JobSpec
from pruning.estimate import Estimate, Machine, ModelShape, disk, slowest_machine
from pruning.estimate.estimate import compute_dtype

# The estimate counts tensors; allocators keep some more.
_MARGIN = 1.1
# A process with torch and transformers, and with the libraries of CUDA.
_PROCESS_BYTES, _CUDA_PROCESS_BYTES = 1_000_000_000, 3_000_000_000

# So small that every stage takes its frugal way: gradients streamed, models evaluated block by block.
_SMALLEST_GPU = Machine(
    device="cuda", memory_bytes=1, operations_per_second={"bfloat16": 1e14}, bytes_per_second=1e12
)
_SMALLEST_CPU = Machine(
    device="cpu", memory_bytes=1, operations_per_second={"float32": 1e11}, bytes_per_second=1e10
)


LOWEST_SHARE = 0.25
"""A request may say that its job needs less than estimated, down to this share of the estimate."""


class Needs(BaseModel):
    """The least that a job needs of a worker. Zeros fit every worker."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    gpus: int = Field(0, ge=0, description="GPUs that share the job; 0: it may run on a CPU.")
    device_bytes: int = Field(0, ge=0, description="Memory of each GPU, on a worker that has any.")
    host_bytes: int = Field(0, ge=0, description="Memory of the host, on a worker with a GPU.")
    cpu_bytes: int = Field(0, ge=0, description="Memory of the host, on a worker without a GPU.")
    scratch_bytes: int = Field(0, ge=0, description="Room on the scratch disk.")
    cpu_seconds: float = Field(0.0, ge=0, description="Time that a worker without a GPU would take.")

    @classmethod
    def of(cls, spec: JobSpec, shape: ModelShape, machines: Iterable[Machine] = ()) -> Self:
        """Estimate what a job on a model of this shape needs; what its request says holds instead.

        `machines`: the time without a GPU is that of the slowest of those that have none.
        """
        cpus = [machine for machine in machines if machine.kind == "cpu"]
        recipe, evaluation = spec.recipe, spec.evaluation
        on_gpu = Estimate.of(recipe, evaluation, shape, _SMALLEST_GPU, save_masks=spec.save_masks)
        on_cpu = Estimate.of(recipe, evaluation, shape, _SMALLEST_CPU, save_masks=spec.save_masks)
        dtype = compute_dtype(recipe.dtype, shape.stored_dtype, _SMALLEST_GPU)
        estimated = cls(
            device_bytes=int(_MARGIN * on_gpu.memory_bytes),
            host_bytes=_CUDA_PROCESS_BYTES + disk.shards_in_memory(recipe, shape),
            # The kernel drops the pages of the mapped checkpoint where it needs room.
            cpu_bytes=max(_PROCESS_BYTES, int(_MARGIN * (on_cpu.memory_bytes - shape.stored_bytes))),
            scratch_bytes=on_gpu.output_bytes + disk.scratch(recipe, evaluation, shape, dtype),
            # Not on the smallest one, which could only take its frugal way, and knows one dtype.
            cpu_seconds=Estimate.of(
                recipe, evaluation, shape, slowest_machine(cpus, recipe, shape), save_masks=spec.save_masks
            ).seconds,
        )
        return estimated.overridden(spec)

    def overridden(self, spec: JobSpec) -> Self:
        """Return these needs with what the request says in place of an estimate.

        Nothing gets lower than `LOWEST_SHARE` of the estimate: a request for less would take a worker from
        others, only to run out of memory there. The time is always the estimated one.
        """
        said = spec.placement
        if said is None:
            return self
        changes = {
            "gpus": said.gpus,
            "device_bytes": said.device_memory_bytes,
            "host_bytes": said.host_memory_bytes,
            "cpu_bytes": said.host_memory_bytes,
            "scratch_bytes": said.scratch_bytes,
        }
        return self.model_copy(
            update={
                name: max(value, int(LOWEST_SHARE * getattr(self, name)))
                for name, value in changes.items()
                if value is not None
            }
        )

    def raised_to(self, estimated: "Needs") -> Self:
        """Return these needs where they are more than those estimated now, and otherwise those."""
        amounts = ("gpus", "device_bytes", "host_bytes", "cpu_bytes", "scratch_bytes")
        larger = {name: max(getattr(self, name), getattr(estimated, name)) for name in amounts}
        return self.model_copy(update={**larger, "cpu_seconds": estimated.cpu_seconds})

    def beyond(self, *, gpus: int, device_bytes: int, host_bytes: int, of_host: bool) -> Self:
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


UNKNOWN_NEEDS = Needs(cpu_seconds=1e9)
"""Of a job of which nothing is known: it fits every worker, and takes long on a CPU."""


def needs_of(stored: Mapping[str, Any]) -> Needs:
    """Return what a job needs, as its row has it: an empty document where nothing is known."""
    return Needs.model_validate(stored) if stored else UNKNOWN_NEEDS


def requested(spec: JobSpec) -> Needs | None:
    """Return what the request says of a job of which nothing else is known; None if it says nothing."""
    return None if spec.placement is None else UNKNOWN_NEEDS.overridden(spec)
