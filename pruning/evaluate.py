"""What the dense and the pruned model are worth, measured by the same code on the same text."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from transformers import PreTrainedModel

from pruning.perplexity import EvaluationSet, evaluation_batches, perplexity
from pruning.plan import Plan
from pruning.report import PerplexityFacts, ZeroShotFacts
from pruning.tasks import Score, side_by_side


@dataclass(frozen=True)
class Measured:
    """The measurements of both models."""

    perplexities: tuple[PerplexityFacts, ...]  # one per evaluation text
    zero_shot: ZeroShotFacts | None  # None where no task was asked for


@dataclass(frozen=True)
class _OfOne:
    """The measurements of one model."""

    perplexities: list[float]
    scores: list[Score]


def evaluation_steps(plan: Plan) -> int:
    """How many steps `evaluate` takes: for both models, batches of windows and whole tasks."""
    batches = sum(len(evaluation_batches(text.windows)) for text in plan.evaluations)
    return 2 * (batches + len(plan.evaluation_request.tasks))


def evaluate(plan: Plan, directory: Path, step: Callable[[int, int], None]) -> Measured:
    """Measure the dense model, and the pruned one as it lies in `directory`; one at a time in memory.

    `step(done, total)` is called after each step, and within a task again and again with the last count; what
    it raises ends the measurement.
    """
    steps = evaluation_steps(plan)
    dense = _measure(plan, plan.dense_model(), lambda done: step(done, steps))
    pruned = _measure(plan, plan.pruned_model(directory), lambda done: step(steps // 2 + done, steps))
    return Measured(
        tuple(map(_facts, plan.evaluations, dense.perplexities, pruned.perplexities)),
        side_by_side(dense.scores, pruned.scores) if plan.tasks else None,
    )


def _measure(plan: Plan, model: PreTrainedModel, step: Callable[[int], None]) -> _OfOne:
    perplexities: list[float] = []
    scores: list[Score] = []
    done = 0
    for text in plan.evaluations:
        batch_done = partial(_count_on, step, done)
        perplexities.append(perplexity(model, text.windows, stride=text.stride, step=batch_done))
        done += len(evaluation_batches(text.windows))
    if plan.tasks:
        for number in range(len(plan.tasks.names)):
            scores += plan.tasks.scores(number, model, plan.tokenizer, check=partial(step, done))
            done += 1
            step(done)
    return _OfOne(perplexities, scores)


def _count_on(step: Callable[[int], None], before: int, done: int, _total: int) -> None:
    step(before + done)


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
