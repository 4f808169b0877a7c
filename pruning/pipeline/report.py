"""The report of a run, from what its stages returned."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch

from pruning.methods.results import Pruned
from pruning.pipeline.evaluate import EvaluationResult
from pruning.pipeline.export import ExportOutcome
from pruning.pipeline.gradients import GradientOutcome
from pruning.pipeline.recorder import StageRecorder
from pruning.pipeline.reproduce import differences
from pruning.pipeline.resolve import ResolvedRun
from pruning.pipeline.structure import CutOutcome
from pruning.recipe import ChannelKind, Evaluation, Recipe
from pruning.report import (
    ChannelOrderFacts,
    Environment,
    LayerFacts,
    LeftInOrderFacts,
    PermutationFacts,
    RecoveryFacts,
    Report,
    SparsityFacts,
    SpeedFacts,
    TrainingFacts,
)
from pruning.runtime.device import describe
from pruning.structure.results import ranges


@dataclass(frozen=True)
class RunResults:
    """The results of the stages of a run."""

    resolved: ResolvedRun
    cut: CutOutcome | None
    gradients: GradientOutcome
    pruned: Pruned
    recovered: TrainingFacts | None
    quality: EvaluationResult
    exports: ExportOutcome
    speed: SpeedFacts


def report_of(
    recipe: Recipe,
    evaluation: Evaluation,
    results: RunResults,
    recorder: StageRecorder,
    *,
    reproduced: Report | None,
) -> Report:
    """Return the report of a run. `reproduced`: that of the earlier run which this one repeats."""
    model, gradients, pruned = results.resolved.model, results.gradients, results.pruned
    environment = Environment.here(
        device=describe(*model.devices),
        dtype=str(model.dtype).removeprefix("torch."),
        threads=torch.get_num_threads(),
        attention=str(gradients.numerics_key["attention"]),
        schedule=gradients.schedule.name if gradients.schedule else None,
        micro_batch=gradients.schedule.micro_batch if gradients.schedule else None,
        deterministic=gradients.deterministic,
    )
    return Report(
        recipe=recipe,
        recipe_fingerprint=recipe.fingerprint(),
        evaluation=evaluation,
        model=model.facts,
        calibration=results.resolved.calibration_facts,
        structure=results.cut.facts if results.cut else None,
        permutation=_permutation_facts(pruned) if recipe.permute else None,
        sparsity=SparsityFacts(layers=tuple(_layer_facts(pruned))),
        perplexity=results.quality.perplexities[0],
        further_perplexities=results.quality.perplexities[1:],
        zero_shot=results.quality.zero_shot,
        recovery=None if results.recovered is None else RecoveryFacts(distil=results.recovered),
        exports=results.exports.facts,
        speed=results.speed,
        stages=tuple(recorder.facts),
        environment=environment,
        gradients_reused=gradients.reused,
        dense_perplexity_reused=results.quality.dense_reused,
        warnings=(
            *results.resolved.warnings,
            *(results.cut.warnings if results.cut else ()),
            *gradients.warnings,
            *pruned.warnings,
            *results.exports.warnings,
            *(f"{export.name}: {text}" for export in results.exports.facts for text in export.warnings),
            *recorder.warnings,
            *(differences(reproduced.environment, environment) if reproduced else ()),
        ),
    )


def _permutation_facts(pruned: Pruned) -> PermutationFacts:
    """Return which channels have another order, and why others were not reordered."""
    blocks: dict[tuple[ChannelKind, str], list[int]] = defaultdict(list)
    for left in pruned.left_in_order:
        blocks[left.kind, left.reason].append(left.block)
    return PermutationFacts(
        blocks=tuple(ChannelOrderFacts(**asdict(order)) for order in pruned.reordered),
        left=tuple(
            LeftInOrderFacts(kind=kind, blocks=ranges(of_blocks), reason=reason)
            for (kind, reason), of_blocks in blocks.items()
        ),
    )


def _layer_facts(pruned: Pruned) -> Iterator[LayerFacts]:
    """Yield the zeros and the error of each pruned layer."""
    for layer in pruned.layers:
        yield LayerFacts(
            name=layer.name,
            block=layer.block,
            shape=layer.shape,
            zeros=layer.zeros,
            weights=layer.weights,
            relative_error=layer.relative_error,
            swap_reduction=layer.swap_reduction,
        )
