"""The report of a run, from what its stages returned."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from pruning.methods.results import Pruned
from pruning.pipeline.evaluate import EvaluationResult
from pruning.pipeline.export import ExportOutcome
from pruning.pipeline.gradients import GradientOutcome
from pruning.pipeline.recorder import StageRecorder
from pruning.pipeline.resolve import ResolvedRun
from pruning.pipeline.structure import CutOutcome
from pruning.recipe import ChannelKind, Evaluation, Recipe
from pruning.recipe.units import EXPERTS
from pruning.report import (
    ChannelOrderFacts,
    Environment,
    ExpertTokensFacts,
    LayerFacts,
    LeftInOrderFacts,
    PermutationFacts,
    RecoveryFacts,
    Report,
    SparsityFacts,
    SpeedFacts,
    TrainingFacts,
)
from pruning.runtime.device import describe, dtype_name
from pruning.structure.results import numbers_in, ranges


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
) -> Report:
    """Return the report of a run."""
    model, gradients, pruned = results.resolved.model, results.gradients, results.pruned
    expert_tokens = tuple(_expert_tokens(results))
    environment = Environment.here(
        device=describe(*model.devices),
        dtype=dtype_name(model.dtype),
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
        expert_tokens=expert_tokens,
        structure=results.cut.facts if results.cut else None,
        permutation=_permutation_facts(pruned) if recipe.permute else None,
        sparsity=SparsityFacts(layers=tuple(_layer_facts(pruned))),
        perplexity=results.quality.perplexities[0],
        domains=dict(zip(evaluation.domains, results.quality.perplexities[1:], strict=False)),
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
            *_too_few_tokens(recipe, results),
            *_unseen_experts(results, expert_tokens),
            *(results.cut.warnings if results.cut else ()),
            *gradients.warnings,
            *pruned.warnings,
            *results.exports.warnings,
            *(f"{export.name}: {text}" for export in results.exports.facts for text in export.warnings),
            *recorder.warnings,
        ),
    )


def _expert_tokens(results: RunResults) -> Iterator[ExpertTokensFacts]:
    """Yield the tokens of each block's experts, of the dense model where a cut has counted them."""
    routed = results.cut.routed if results.cut else {}
    for block, tokens in (routed or results.pruned.routed).items():
        yield ExpertTokensFacts(block=block, tokens=tokens)


def _too_few_tokens(recipe: Recipe, results: RunResults) -> Iterator[str]:
    """Warn of weights that were solved for, without a ridge, on fewer tokens than their layer has inputs.

    That is a regression with more predictors than observations: with 1,024 tokens SparseGPT made SmolLM2-135M
    worse than Wanda, and a refit with a ridge of 4 better.
    """
    ridge = recipe.refit.ridge if recipe.refit else getattr(recipe.method, "ridge", 0.0)
    if not recipe.computes_weights or ridge:
        return
    calibration = results.resolved.calibration_facts
    widest = max((layer.shape[1] for layer in results.pruned.layers), default=0)
    if calibration is not None and calibration.tokens < widest:
        yield (
            f"kept weights of layers with up to {widest} inputs were solved for on {calibration.tokens} "
            "calibration tokens; with so few, a refit with a ridge, or wanda, may be better"
        )


_NAMED_IN_A_WARNING = 4


def _unseen_experts(results: RunResults, counted: Sequence[ExpertTokensFacts]) -> Iterator[str]:
    """Warn, in one line for each dataset, of the experts left in the model that saw none of its tokens."""
    units = results.cut.facts.blocks if results.cut else ()
    kept = {of_block.block: of_block.kept for of_block in units if of_block.kind == EXPERTS.name}
    calibration = results.resolved.calibration_facts
    for number, part in enumerate(calibration.sets if calibration and counted else ()):
        experts = [
            (of_block.block, expert, of_block.tokens[number][expert])
            for of_block in counted
            for expert in _left(kept.get(of_block.block), len(of_block.tokens[number]))
        ]
        unseen = [f"{expert} of block {block}" for block, expert, tokens in experts if not tokens]
        if unseen:
            more = len(unseen) - _NAMED_IN_A_WARNING
            named = ", ".join(unseen[:_NAMED_IN_A_WARNING]) + (f" and {more} more" if more > 0 else "")
            yield (
                f"{len(unseen)} of {len(experts)} experts saw no calibration token of "
                f"{Path(part.dataset).name} (expert {named}): what they lose there is not known; use more "
                "windows, or give it more weight"
            )


def _left(kept: str | None, count: int) -> Sequence[int]:
    return range(count) if kept is None else numbers_in(kept, below=count)


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
