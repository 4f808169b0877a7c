"""The estimate of a job before it runs, from the shape of its model and the machine."""

from collections.abc import Collection, Iterable, Mapping
from typing import Self

from pydantic import Field

from pruning.estimate import by_stage, memory, work
from pruning.estimate.by_stage import Answer, Schedule, StageEstimate, compute_dtype
from pruning.estimate.disk import exported_files, gradient_shards
from pruning.estimate.shape import ASSUMED, Machine, ModelShape, smaller_shape
from pruning.estimate.work import Windows
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.recipe.exports import Export


class ModelEstimate(Answer):
    """The model, as its config describes it."""

    model_type: str = Field(description="The `model_type` that the config names.")
    parameters: int = Field(description="Parameters of the model, without norms, biases and routers.")
    prunable: int = Field(description="Weights in the linear layers of the blocks.")
    blocks: int = Field(description="Decoder blocks.")


class Estimate(Answer):
    """What the job will take."""

    model: ModelEstimate = Field(description="What the config says about the model.")
    machine: Machine = Field(description="The machine that the estimate is for.")
    dtype: str = Field(description="The dtype of the computation.")
    schedule: Schedule | None = Field(
        description="The schedule of the gradient pass; null for a job without one."
    )
    stages: tuple[StageEstimate, ...] = Field(description="Each stage of the job, in order.")
    output_bytes: int = Field(
        description="Size of the pruned model's weights, of its exports, and of the masks if they are saved; "
        "of the norms for a gradient job."
    )
    notes: tuple[str, ...] = Field(description="What the figures leave out or assume.")

    # Sums over the stages, for clients.
    seconds: float = Field(description="Time that all stages take.")
    memory_bytes: int = Field(description="The largest peak memory of all stages.")

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        evaluation: Evaluation,
        shape: ModelShape,
        machine: Machine,
        *,
        save_masks: bool = False,
        exports: Collection[Export] = (),
    ) -> Self:
        """Estimate the job of a recipe on a model of this shape."""
        windows = Windows.of_calibration(recipe, shape)
        dtype = compute_dtype(recipe.dtype, shape.stored_dtype, machine)
        schedule = None
        stages = [by_stage.resolve(shape, machine)]
        smaller = shape
        if recipe.structure is not None:
            stages += by_stage.cut(recipe.structure, shape, windows, dtype, machine)
            smaller = smaller_shape(shape, recipe.structure)
        norms = 0
        if recipe.gradient_norms and recipe.gradients is None:
            schedule, stage = by_stage.gradients(
                smaller, windows, dtype, machine, norms=len(recipe.gradient_norms)
            )
            norms = gradient_shards(smaller, dtype, norms=len(recipe.gradient_norms))
            stages.append(by_stage.with_norms(stage, schedule, norms, machine))
        if recipe.masks:
            done = work.pruning(recipe, smaller, windows)
            held = memory.pruning(smaller, windows, dtype, machine.kind, recipe)
            stage = by_stage.stage_of(Stage.PRUNE, done, held, dtype, machine)
            stages.append(by_stage.with_shards(stage, recipe, smaller, norms, dtype))
        cut = smaller if recipe.structure else None
        stages += [
            *by_stage.recovery(recipe, shape, cut, windows.length, dtype, machine),
            *by_stage.evaluation(recipe, evaluation, shape, smaller, dtype, machine),
        ]
        if exports:
            stages.append(by_stage.exports(exports, evaluation, shape, smaller, windows, dtype, machine))
        if not recipe.norms and evaluation.measures_speed(recipe.structure):
            before = sum(stage.seconds for stage in stages)
            stages += by_stage.speed(shape, smaller, dtype, machine, before)
        output = _output_bytes(recipe, shape, smaller, dtype, save_masks=save_masks)
        output += exported_files(smaller, exports)
        stages.append(
            StageEstimate(
                name=Stage.UPLOAD, operations=0, seconds=output / by_stage.FILE_RATE, memory_bytes=0
            )
        )
        stages = [by_stage.with_process(stage, shape, machine) for stage in stages]
        return cls(
            model=ModelEstimate(
                model_type=shape.model_type,
                parameters=shape.parameters,
                prunable=shape.block_weights,
                blocks=len(shape.blocks),
            ),
            machine=machine,
            dtype=dtype,
            schedule=schedule,
            stages=tuple(stages),
            output_bytes=output,
            notes=tuple(_notes(recipe, evaluation, machine)),
            seconds=sum(stage.seconds for stage in stages),
            memory_bytes=max(stage.memory_bytes for stage in stages),
        )

    @property
    def seconds_by_stage(self) -> Mapping[Stage, float]:
        """The seconds of each stage, for the remaining time until stages are measured."""
        seconds = dict.fromkeys((stage.name for stage in self.stages), 0.0)
        for stage in self.stages:  # gates and norms are both gradients
            seconds[stage.name] += stage.seconds
        return seconds


def _output_bytes(
    recipe: Recipe, shape: ModelShape, smaller: ModelShape, dtype: str, *, save_masks: bool
) -> int:
    if recipe.norms:
        return gradient_shards(shape, dtype, norms=len(recipe.norms))
    masked = save_masks and recipe.masks
    return smaller.stored_bytes + (-(-smaller.block_weights // 8) if masked else 0)


def slowest_machine(machines: Iterable[Machine], recipe: Recipe, shape: ModelShape) -> Machine:
    """Return the slowest machine, each in the dtype that it would compute in; `ASSUMED` if there are none."""

    def rate(machine: Machine) -> float:
        dtype = compute_dtype(recipe.dtype, shape.stored_dtype, machine)
        return machine.rate(dtype) * machine.devices

    return min(machines, key=rate, default=ASSUMED)


def _notes(recipe: Recipe, evaluation: Evaluation, machine: Machine) -> list[str]:
    notes = ["the time to download a model is not included"]
    if not machine.measured:
        notes.append("no live worker was measured: the figures are for an assumed machine")
    if recipe.structure is not None:
        notes.append("widths after the cut are not rounded here")
    if machine.devices > 1:
        notes.append(
            f"{machine.devices} devices share gradients and evaluation, and prune one after the other"
        )
    assumed = [dataset for _, dataset in evaluation.texts if dataset not in work.EVALUATION_TOKENS]
    if evaluation.windows is None and assumed and not recipe.norms:
        notes.append("the evaluation texts are assumed to be as long as WikiText-2's test split")
    if evaluation.tasks:
        notes.append("the lengths of zero-shot tasks are assumed from those of seven common ones")
    if recipe.dtype not in ("auto", *machine.operations_per_second):
        notes.append(f"{recipe.dtype} was not measured on this machine")
    return notes
