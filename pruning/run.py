"""The main path of the library: from a recipe to a pruned model on disk, and a report of what it cost.

1. resolve: find the model and the texts, refuse what would fail later, read the dense model
2. gradients: their norms over the calibration windows, for a method that uses them
3. prune: block by block, then write the masked checkpoint
4. evaluate: the perplexity of the dense model, and of the pruned one as it lies on disk
"""

import shutil
from pathlib import Path

import torch

from pruning.batching import micro_batches
from pruning.device import compute_device, describe
from pruning.errors import PruningError
from pruning.evaluate import Measured, evaluate, evaluation_steps
from pruning.gradient_file import FILE_NAME as GRADIENTS
from pruning.gradient_file import Provenance, write_gradients
from pruning.gradients import GradientNorms, gradient_norms
from pruning.measure import Stages
from pruning.output import appearing_whole, write_model, write_report
from pruning.plan import Plan
from pruning.progress import Progress, Silent
from pruning.prune import check, prune
from pruning.pruned import Pruned
from pruning.recipe import Evaluation, Recipe, Stage
from pruning.repeat import differences, refuse_changes
from pruning.report import (
    Environment,
    LayerFacts,
    Report,
    SparsityFacts,
)
from pruning.roots import Roots


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
    repeats: Report | None = None,
) -> Report:
    """Prune a model as `recipe` says into the directory `output`, which appears complete or not at all.

    `output` must not exist. `save_gradients` also writes the gradient norms, where they are computed; see
    pruning.gradient_file. `roots` bounds what may be read from this machine. `hub_token` is for the model
    only. `device` is 'auto', 'cpu', 'cuda' or 'cuda:N'. What `progress` raises ends the run between steps.
    `repeats`: the report of an earlier run of this recipe, whose model and texts must be the same still.

    Raises InvalidInput with the field, before expensive work wherever possible; NumericalFailure with the
    layer or window; Unreachable where the Hub does not answer; PruningError where the disk is too full.
    """
    stages = Stages(progress, compute_device(device))
    with appearing_whole(output) as directory:
        with stages.stage(Stage.RESOLVE, 1) as step:
            plan = Plan.make(recipe, evaluation, roots, hub_token, stages.device)
            if repeats is not None:
                refuse_changes(repeats, plan.model_facts, plan.calibration_facts)
            _check_room(plan, directory)
            model = plan.dense_model()
            step(1, 1)

        gradients: GradientNorms = {}
        if plan.gradient_file is not None:
            gradients = plan.gradient_file.read(plan.norms)
        elif plan.norms and plan.calibration is not None:
            windows = plan.calibration.windows
            micro_batch_count = len(micro_batches(check(model, recipe), windows, backward=True))
            with stages.stage(Stage.GRADIENTS, micro_batch_count) as step:
                gradients = gradient_norms(
                    model, windows, norms=plan.norms, step=step, selection=recipe.layers
                )
            if save_gradients:
                provenance = Provenance(plan.checkpoint.identity, plan.calibration.fingerprint)
                write_gradients(gradients, provenance, directory / GRADIENTS)

        with stages.stage(Stage.PRUNE, plan.blocks) as step:
            pruned = prune(model, recipe, plan.windows, gradients, step=step)
            attention = model.config._attn_implementation
            del model, gradients  # the models that are measured next need their memory
            write_model(plan.checkpoint, pruned, directory, save_masks=save_masks)

        with stages.stage(Stage.EVALUATE, evaluation_steps(plan)) as step:
            measured = evaluate(plan, directory, step)

        report = _report(plan, pruned, measured, stages, attention, repeats)
        write_report(plan.checkpoint, report, directory)
    return report


def _check_room(plan: Plan, directory: Path) -> None:
    """Raise PruningError where the pruned model, as large as the dense one, will not fit on the disk."""
    needed = sum((plan.checkpoint.directory / name).stat().st_size for name in plan.checkpoint.files)
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise PruningError(
            f"the pruned model takes {needed} bytes and its disk has {free} free: make room on it",
            field="output",
        )


def _report(
    plan: Plan, pruned: Pruned, measured: Measured, stages: Stages, attention: str, repeats: Report | None
) -> Report:
    layers = tuple(
        LayerFacts(
            name=layer.name, block=layer.block, shape=layer.shape, zeros=layer.zeros, weights=layer.weights
        )
        for layer in pruned.layers
    )
    environment = Environment.here(
        device=describe(plan.device),
        dtype=str(plan.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        attention=attention,
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
        warnings=plan.warnings + plan.gradient_warnings + pruned.warnings + stages.warnings + changed,
    )
