"""The main path of the library: from a recipe to a pruned model on disk, and a report of what it cost.

1. resolve: find the model and the texts, refuse what would fail later, read the dense model
2. gradients: their norms over the calibration windows, for a method that uses them
3. prune: block by block, then write the masked checkpoint
4. evaluate: the perplexity of the dense model, and of the pruned one as it lies on disk
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from pruning.allowed_roots import Roots
from pruning.blockwise.prune import prunable_stack, prune
from pruning.blockwise.results import Pruned
from pruning.blockwise.shards import StoredBlocks
from pruning.errors import PruningError
from pruning.estimate import ModelShape
from pruning.evaluation.cache import DensePerplexities, NoPerplexityCache, PerplexityCache
from pruning.gradients.cache import GradientCache
from pruning.gradients.schedule import Schedule, ScheduleChoice
from pruning.model.batching import micro_batches
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.model.shapes import shape_of
from pruning.output.writer import atomic_directory, write_model, write_report
from pruning.progress import Progress, Silent
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.report.reproduce import differences, refuse_changes
from pruning.report.schema import (
    Environment,
    LayerFacts,
    Report,
    SparsityFacts,
)
from pruning.resume.identity import RunIdentityCheck
from pruning.resume.store import EphemeralResumeStore, NumericsKey, ResumeStore
from pruning.runtime.device import compute_device, describe
from pruning.stages.evaluate import NO_LIMIT, EvaluationResult, PerplexityLimit, evaluate, evaluation_steps
from pruning.stages.gradients import GradientStage
from pruning.stages.recorder import Stages
from pruning.stages.resolve import Plan


def run(  # noqa: PLR0913 - each by its name, and all but the first three with a default
    recipe: Recipe,
    evaluation: Evaluation,
    *,
    output: Path,
    roots: Roots = Roots(),  # noqa: B008 - immutable
    progress: Progress = Silent(),  # noqa: B008 - without state
    save_masks: bool = False,
    save_gradients: bool = False,
    hub_token: str | None = None,
    device: str = "auto",
    schedule: ScheduleChoice = "auto",
    repeats: Report | None = None,
    ceiling: PerplexityLimit = NO_LIMIT,
    resume_store: ResumeStore | None = None,
    gradient_cache: GradientCache | None = None,
    perplexity_cache: PerplexityCache = NoPerplexityCache(),  # noqa: B008 - without state
    on_shape: Callable[[ModelShape], None] = lambda shape: None,
) -> Report:
    """Prune a model as `recipe` says into the directory `output`, which appears complete or not at all.

    `output` must not exist. `save_gradients` also writes the gradient norms, where they are computed; see
    pruning.gradients.file. `roots` bounds what may be read from this machine. `hub_token` is for the model
    only. `device` is 'auto', 'cpu', 'cuda' or 'cuda:N'. What `progress` raises ends the run between steps.
    `schedule`: of the gradients, see pruning.gradients.schedule. `repeats`: the report of an earlier run of
    this recipe, whose model and texts must be the same still. `ceiling`: a pruned model that is certain to
    lie above it is not measured further. `resume_store`: of this very run, which then goes on behind what an
    earlier attempt has finished, with the result of an undisturbed one, bit for bit on a CPU. `shared`: where
    gradient norms are found that an earlier run has computed, and left for later ones; `shared_perplexities`:
    the same for the dense model's. `on_shape` is told what the model consists of, once that is known.

    Raises InvalidInput with the field, before expensive work wherever possible; NumericalFailure with the
    layer or window; Unreachable where the Hub does not answer; PruningError where the disk is too full.
    """
    stages = Stages(progress, compute_device(device))
    with atomic_directory(output) as directory, _or_nothing_kept(resume_store, output) as kept:
        with stages.stage(Stage.RESOLVE, 1) as step:
            beginning = RunIdentityCheck(kept)
            model = beginning.model(recipe.model)
            plan = Plan.make(recipe, evaluation, roots, hub_token, stages.device, model=model)
            if repeats is not None:
                refuse_changes(repeats, plan.model_facts, plan.calibration_facts)
            _check_room(plan, directory)
            beginning.note(recipe.fingerprint(), plan.model_facts, plan.calibration_facts)
            placement = plan.placement()
            on_shape(_shape(plan))
            step(1, 1)

        outcome = _pruned(
            plan,
            placement,
            stages,
            kept,
            directory,
            schedule=schedule,
            gradient_cache=gradient_cache,
            save_masks=save_masks,
            save_gradients=save_gradients,
        )
        del placement  # the models that are measured next need its memory

        numerics_key = outcome.numerics_key
        dense = DensePerplexities(plan.checkpoint.identity, plan.evaluations, numerics_key, perplexity_cache)
        with stages.stage(Stage.EVALUATE, evaluation_steps(plan, dense)) as step:
            measured = evaluate(plan, directory, step, kept, numerics_key, dense, ceiling)

        report = _report(plan, outcome, measured, stages, repeats)
        write_report(plan.checkpoint, report, directory)
    return report


@contextmanager
def _or_nothing_kept(resume_store: ResumeStore | None, output: Path) -> Iterator[ResumeStore]:
    """The resume store, or for a run that is not to be taken up, a place for its shards beside the output."""
    if resume_store is not None:
        yield resume_store
        return
    with TemporaryDirectory(prefix=f".{output.name}.", suffix=".shards", dir=output.parent) as directory:
        yield EphemeralResumeStore(Path(directory))


@dataclass(frozen=True)
class _Outcome:
    """What the stages `gradients` and `prune` leave, beside the pruned model's files."""

    pruned: Pruned
    numerics_key: NumericsKey
    attention: str
    schedule: Schedule | None  # of the gradients, where this run was to compute them
    gradients_reused: bool


def _pruned(  # noqa: PLR0913 - the parts of one run
    plan: Plan,
    placement: Placement,
    stages: Stages,
    resume_store: ResumeStore,
    directory: Path,
    *,
    schedule: ScheduleChoice,
    gradient_cache: GradientCache | None,
    save_masks: bool,
    save_gradients: bool,
) -> _Outcome:
    """Gradients and pruning, and the files of the pruned model. Holds no tensor when it is done."""
    source = GradientStage(plan, placement, resume_store, schedule, gradient_cache)
    numerics_key = _numerics_key(plan, placement, source)
    blocks = StoredBlocks(resume_store, numerics_key)
    if source.steps is None:
        gradients = source.norms(step=lambda done, total: None)
    else:
        gradients = {}
        with stages.stage(Stage.GRADIENTS, source.steps) as step:
            if save_gradients or source.reused or not blocks.has_all(plan.blocks):
                gradients = source.norms(step)
            # A pass that has run out of memory has gone on under other conditions; one whose norms are shared
            # is known by its shards now.
            if (known := _numerics_key(plan, placement, source)) != numerics_key:
                numerics_key, blocks = known, StoredBlocks(resume_store, known)
        if save_gradients:
            source.save(gradients, directory)

    with stages.stage(Stage.PRUNE, plan.blocks) as step:
        pruned = prune(
            placement.model,
            plan.recipe,
            plan.windows,
            gradients,
            step=step,
            placement=placement,
            finished=blocks,
        )
        write_model(plan.checkpoint, pruned, directory, save_masks=save_masks)
    return _Outcome(
        pruned,
        numerics_key,
        placement.model.config._attn_implementation,
        source.schedule,
        source.reused,
    )


def _shape(plan: Plan) -> ModelShape:
    stored = str(plan.checkpoint.stored_dtype).removeprefix("torch.")
    return shape_of(find_stack(plan.checkpoint.skeleton), stored_dtype=stored)


def _numerics_key(plan: Plan, placement: Placement, gradients: GradientStage) -> NumericsKey:
    """What decides the last bits of the pruned weights, beside recipe, model and calibration windows."""
    numerics_key: dict[str, str | int | float | bool | None] = {**placement.numerics_key}
    if plan.windows is not None:
        stack = prunable_stack(placement.model, plan.recipe)
        pieces = micro_batches(stack, plan.windows, backward=False, device=placement.device)
        numerics_key["windows at once"] = len(pieces[0])
    return {**numerics_key, **gradients.numerics_key}


def _check_room(plan: Plan, directory: Path) -> None:
    """Raise PruningError where the pruned model, as large as the dense one, and the shards that it is
    composed of will not fit on the disk.
    """
    model = sum((plan.checkpoint.directory / name).stat().st_size for name in plan.checkpoint.files)
    weights = sum(
        layer.inputs * layer.outputs for layer in prunable_stack(plan.checkpoint.skeleton, plan.recipe).layers
    )
    changed = weights * plan.dtype.itemsize if plan.recipe.changes_kept_weights else 0
    needed = model + weights // 8 + changed  # a bit of each mask
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise PruningError(
            f"the pruned model and its shards take {needed} bytes and their disk has {free} free: make room "
            "on it",
            field="output",
        )


def _report(
    plan: Plan, outcome: _Outcome, measured: EvaluationResult, stages: Stages, repeats: Report | None
) -> Report:
    schedule, pruned = outcome.schedule, outcome.pruned
    layers = tuple(
        LayerFacts(
            name=layer.name,
            block=layer.block,
            shape=layer.shape,
            zeros=layer.zeros,
            weights=layer.weights,
            relative_error=layer.relative_error,
        )
        for layer in pruned.layers
    )
    environment = Environment.here(
        device=describe(plan.device),
        dtype=str(plan.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        attention=outcome.attention,
        schedule=schedule.name if schedule else None,
        micro_batch=schedule.micro_batch if schedule else None,
    )
    changed = differences(repeats.environment, environment) if repeats else ()
    return Report(
        recipe=plan.recipe,
        recipe_fingerprint=plan.recipe.fingerprint(),
        evaluation=plan.evaluation_request,
        model=plan.model_facts,
        calibration=plan.calibration_facts,
        sparsity=SparsityFacts(layers=layers),
        perplexity=measured.perplexities[0],
        further_perplexities=measured.perplexities[1:],
        zero_shot=measured.zero_shot,
        stages=tuple(stages.facts),
        environment=environment,
        gradients_reused=outcome.gradients_reused,
        dense_perplexity_reused=measured.dense_reused,
        warnings=plan.warnings + plan.gradient_warnings + pruned.warnings + stages.warnings + changed,
    )
