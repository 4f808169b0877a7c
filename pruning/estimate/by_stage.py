"""The estimate of each stage of a job."""

from collections.abc import Collection, Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pruning.estimate import memory, training_memory, work
from pruning.estimate.disk import block_shards
from pruning.estimate.pieces import dtype_of
from pruning.estimate.shape import ASSUMED, BYTES, Machine, ModelShape
from pruning.estimate.work import MAX_SPEED_TIME_SHARE, MIN_SPEED_PAIRS, SPEED_PAIRS, Windows, Work
from pruning.recipe import Evaluation, Recipe, Stage, StructureOptions
from pruning.recipe.exports import CompressedTensorsExport, Export, GgufExport, importances, reads_text

Schedule = Literal["whole", "streamed"]

# The shares of the measured rates that the stages reach; see docs/performance.md.
_MATMUL_EFFICIENCY = 0.8
_ATTENTION_EFFICIENCY = 0.3
# Bytes per second at which files are read, hashed and written.
FILE_RATE = 4e8
# Python, torch and transformers on a CPU, as docs/performance.md has it: resident, without the checkpoint.
_CPU_PROCESS_BYTES = 560_000_000
# Of an export: parameters that llama.cpp quantises in a second, bytes that its converter writes in a second,
# and seconds for a program to begin and to measure its speed.
_QUANTIZATION_RATE, _CONVERSION_RATE, _PROGRAM_SECONDS = 2e7, 1.5e8, 8.0


class Answer(BaseModel):
    """A part of an answer of the API."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


class StageEstimate(Answer):
    """One stage of the job."""

    name: Stage = Field(description="The stage.")
    operations: float = Field(description="Floating-point operations in matrix products.")
    seconds: float = Field(description="Time that the stage takes.")
    memory_bytes: int = Field(
        description="Peak memory of the device that computes, or of each of several; on a CPU the resident "
        "memory of the process, with the mapped checkpoint."
    )


def compute_dtype(requested: str, stored: str, machine: Machine) -> str:
    """Return the dtype of a job on a machine: a CPU faster in bfloat16 has instructions for it."""
    rates = machine.operations_per_second
    has_bfloat16 = machine.kind != "cpu" or rates.get("bfloat16", 0) > rates.get("float32", 0)
    return dtype_of(requested, stored, machine.kind, has_bfloat16=has_bfloat16)


def seconds(done: Work, dtype: str, machine: Machine) -> float:
    """Return the seconds that the machine takes for this work."""
    rate, wide = machine.rate(dtype), machine.rate("float32")
    moments = done.moments / (rate if machine.kind == "cuda" else wide)
    products = (done.products / rate + moments + done.solved / wide) / _MATMUL_EFFICIENCY
    attention = done.attention / (_ATTENTION_EFFICIENCY * rate)
    return products + attention + done.traffic / machine.bytes_per_second


def stage_of(
    stage: Stage, done: Work, memory_bytes: float, dtype: str, machine: Machine, *, devices: int = 1
) -> StageEstimate:
    """`devices`: how many work on the stage at the same time."""
    return StageEstimate(
        name=stage,
        operations=done.operations,
        seconds=seconds(done, dtype, machine) / devices,
        memory_bytes=int(memory_bytes),
    )


def resolve(shape: ModelShape, machine: Machine) -> StageEstimate:
    """Estimate `resolve`: the checkpoint is read once for its digest and once for its weights."""
    return StageEstimate(
        name=Stage.RESOLVE, operations=0, seconds=2 * shape.stored_bytes / FILE_RATE, memory_bytes=0
    )


def gradients(
    shape: ModelShape, windows: Windows, dtype: str, machine: Machine, *, norms: int
) -> tuple[Schedule, StageEstimate]:
    """Estimate `gradients`: `whole` if it fits and is short, else `streamed`.

    The job computes the norms that its recipe uses, and that of a sweep those of the other jobs as well.
    pruning.calibration.gradient_schedule counts the same memory, but the time by an assumed rate, so that a
    resumed run decides the same; near ten minutes the two may differ.
    """
    whole = stage_of(
        Stage.GRADIENTS,
        work.gradients(shape, windows, norms=norms, passes=1),
        memory.whole_gradients(shape, windows, dtype, machine.kind, norms, devices=machine.devices),
        dtype,
        machine,
        devices=machine.devices,
    )
    fits = memory.whole_fits(
        shape, windows, dtype, norms, devices=machine.devices, memory_bytes=machine.memory_bytes
    )
    if fits and whole.seconds <= memory.MAX_WHOLE_SECONDS:
        return "whole", whole
    return "streamed", stage_of(
        Stage.GRADIENTS,
        work.gradients(shape, windows, norms=norms, passes=2),
        memory.streamed_gradients(shape, windows, dtype, machine.kind, norms),
        dtype,
        machine,
        devices=machine.devices,
    )


def cut(
    structure: StructureOptions, shape: ModelShape, windows: Windows, dtype: str, machine: Machine
) -> list[StageEstimate]:
    """Estimate the gates' gradients, where they rank the units, and the cut."""
    stages = [gradients(shape, windows, dtype, machine, norms=0)[1]] if structure.ranks else []
    needed = memory.cutting(shape, windows, dtype, machine.kind, structure)
    stages.append(stage_of(Stage.CUT, work.cutting(structure, shape, windows), needed, dtype, machine))
    return stages


def recovery(
    recipe: Recipe,
    shape: ModelShape,
    smaller: ModelShape | None,
    length: int,
    dtype: str,
    machine: Machine,
) -> Iterator[StageEstimate]:
    """Yield the estimate of `recover`, for a recipe that has it."""
    if recipe.distil is not None:
        fitting = training_memory.TrainingMemory.fitting(
            shape,
            recipe.distil,
            length,
            dtype,
            machine.kind,
            smaller=smaller,
            memory_bytes=machine.memory_bytes,
        )
        done = work.whole_model_training(
            recipe.distil,
            shape,
            length,
            smaller=smaller,
            again=1 - fitting.graphs / len((smaller or shape).blocks),
            in_8_bits=fitting.state != "float32",
        )
        yield stage_of(Stage.RECOVER, done, fitting.size, dtype, machine)


def evaluation(
    recipe: Recipe,
    evaluation: Evaluation,
    dense: ModelShape,
    pruned: ModelShape,
    dtype: str,
    machine: Machine,
) -> Iterator[StageEstimate]:
    """Yield the estimate of `evaluate`, for a recipe that prunes."""
    if recipe.norms:
        return
    needed = memory.evaluation(
        dense,
        Windows.of_evaluation(evaluation, dense),
        dtype,
        machine.kind,
        room=_room(machine, called=bool(evaluation.tasks)),
        devices=machine.devices,
    )
    done = work.evaluation(evaluation, dense) + work.evaluation(evaluation, pruned)
    yield stage_of(Stage.EVALUATE, done, needed, dtype, machine, devices=machine.devices)


def _room(machine: Machine, *, called: bool = False) -> float:
    """Return the bytes that a model may take to be resident as a whole.

    On a CPU only a model that is `called` is, as zero-shot tasks do; any other is brought block by block.
    """
    return memory.MEMORY_SHARE * machine.memory_bytes if called or machine.kind != "cpu" else 0.0


def exports(
    exports: Collection[Export],
    evaluation: Evaluation,
    dense: ModelShape,
    pruned: ModelShape,
    windows: Windows,
    dtype: str,
    machine: Machine,
) -> StageEstimate:
    """Estimate `export`: llama.cpp computes on the host's processor, everything else on the device.

    `windows`: of the calibration, on which inputs are measured where an export is chosen by them.
    """
    cpu = machine if machine.kind == "cpu" else ASSUMED
    judged = Windows.of_exports(evaluation, dense)
    files = [export for export in exports if isinstance(export, GgufExport)]
    measuring = work.head(dense, judged) + work.forward(dense, judged)
    taken = 0.0
    if files:
        read = 2 * BYTES["float16"] * dense.parameters / _CONVERSION_RATE
        taken += read + (1 + len(files)) * _PROGRAM_SECONDS
        taken += (1 + len(files)) * seconds(measuring, "float32", cpu)
        taken += sum(pruned.parameters / _QUANTIZATION_RATE for export in files if export.reads_text)
    others = sum(isinstance(export, CompressedTensorsExport) for export in exports)
    if masks := len(exports) - len(files) - others:
        taken += masks * 2 * dense.stored_bytes / FILE_RATE
    if others:
        taken += (1 + others) * (seconds(measuring, dtype, machine) + dense.stored_bytes / FILE_RATE)
    held = memory.evaluation(dense, judged, dtype, machine.kind, room=_room(machine), devices=1)
    if files:  # the result is compared in float32, block by block
        held = max(held, memory.evaluation(pruned, judged, "float32", machine.kind, room=0, devices=1))
    if "gradients" in importances(exports):
        _, stage = gradients(pruned, windows, dtype, machine, norms=0)
        taken, held = taken + stage.seconds, max(held, stage.memory_bytes)
    if reads_text(exports):  # each block runs twice for INT4, and products of inputs cost as much again
        taken += 3 * seconds(work.forward(pruned, windows), dtype, machine)
        held = max(held, memory.quantizing(pruned, windows, dtype, machine.kind))
    return StageEstimate(name=Stage.EXPORT, operations=0, seconds=taken, memory_bytes=int(held))


def speed(
    shape: ModelShape, smaller: ModelShape, dtype: str, machine: Machine, before: float
) -> list[StageEstimate]:
    """Estimate `speed`, limited to a share of the seconds `before` it, but at least the minimum of pairs.

    Models that do not fit together are not measured.
    """
    held = memory.speed(shape, smaller, dtype)
    if held > memory.MEMORY_SHARE * machine.memory_bytes:
        return []
    read = (shape.stored_bytes + smaller.stored_bytes) / FILE_RATE
    fewest, all_pairs = (
        stage_of(
            Stage.SPEED,
            work.speed(shape, smaller, dtype, machine.kind, pairs=pairs),
            held,
            dtype,
            machine,
        )
        for pairs in (MIN_SPEED_PAIRS, SPEED_PAIRS)
    )
    bounded = max(fewest.seconds + read, MAX_SPEED_TIME_SHARE * before)
    stage = all_pairs if all_pairs.seconds + read <= bounded else fewest
    return [stage.model_copy(update={"seconds": min(all_pairs.seconds + read, bounded)})]


def with_norms(stage: StageEstimate, schedule: Schedule, norms: int, machine: Machine) -> StageEstimate:
    """Add the time to write `norms` bytes of shards and send them to the store.

    On a GPU, `streamed` does that while the next block computes.
    """
    seconds = 2 * norms / FILE_RATE
    overlaps = schedule == "streamed" and machine.kind == "cuda"
    return stage.model_copy(
        update={"seconds": max(stage.seconds, seconds) if overlaps else stage.seconds + seconds}
    )


def with_shards(
    stage: StageEstimate, recipe: Recipe, shape: ModelShape, norms: int, dtype: str
) -> StageEstimate:
    """Add the time to read `norms` bytes, and to write and send the shards of a pruning."""
    pruned = block_shards(shape, changed_dtype=dtype if recipe.computes_weights else None)
    return stage.model_copy(update={"seconds": stage.seconds + (norms + 2 * pruned) / FILE_RATE})


def with_process(stage: StageEstimate, shape: ModelShape, machine: Machine) -> StageEstimate:
    """Add the memory on a CPU other than a stage's tensors: the process and the mapped checkpoint."""
    if machine.kind != "cpu":
        return stage
    mapped = 0 if stage.name in (Stage.RESOLVE, Stage.UPLOAD) else shape.stored_bytes
    return stage.model_copy(update={"memory_bytes": stage.memory_bytes + _CPU_PROCESS_BYTES + mapped})
