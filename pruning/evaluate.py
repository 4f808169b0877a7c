"""What the dense and the pruned model are worth, measured by the same code on the same text."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from pruning.perplexity import EvaluationSet, evaluation_batches, perplexity
from pruning.plan import Plan
from pruning.report import PerplexityFacts


@dataclass(frozen=True)
class Measured:
    """The measurements of both models."""

    perplexities: tuple[PerplexityFacts, ...]  # one per evaluation text


def evaluation_steps(plan: Plan) -> int:
    """How many steps `evaluate` takes."""
    return 2 * sum(len(evaluation_batches(text.windows)) for text in plan.evaluations)


def evaluate(plan: Plan, directory: Path, step: Callable[[int, int], None]) -> Measured:
    """Measure the dense model, and the pruned one as it lies in `directory`; one at a time in memory.

    `step(done, total)` is called after each step; what it raises ends the measurement.
    """
    half = evaluation_steps(plan) // 2
    dense = _perplexities(plan.dense_model(), plan.evaluations, lambda done: step(done, 2 * half))
    pruned = _perplexities(
        plan.pruned_model(directory), plan.evaluations, lambda done: step(half + done, 2 * half)
    )
    return Measured(tuple(map(_facts, plan.evaluations, dense, pruned)))


def _perplexities(
    model: PreTrainedModel, texts: tuple[EvaluationSet, ...], step: Callable[[int], None]
) -> list[float]:
    found, before = [], 0
    for text in texts:

        def of_all(done: int, _: int, before: int = before) -> None:
            step(before + done)

        found.append(perplexity(model, text.windows, stride=text.stride, step=of_all))
        before += len(evaluation_batches(text.windows))
    return found


def _facts(text: EvaluationSet, dense: float, pruned: float) -> PerplexityFacts:
    windows, length = text.windows.shape
    return PerplexityFacts(
        dense=dense,
        pruned=pruned,
        definition=text.definition,
        dataset=text.dataset,
        windows=windows,
        sequence_length=length,
        stride=text.stride or length,
        fingerprint=text.fingerprint,
    )
