"""What the dense and the pruned model are worth, measured by the same code on the same text."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Self

from transformers import PreTrainedModel

from pruning.ledger import Conditions, Ledger
from pruning.perplexity import EvaluationSet, evaluation_batches, perplexity
from pruning.plan import Plan
from pruning.recipe import Stage
from pruning.report import PerplexityFacts, ZeroShotFacts
from pruning.tasks import Score, side_by_side


@dataclass(frozen=True)
class Measured:
    """The measurements of both models."""

    perplexities: tuple[PerplexityFacts, ...]  # one per evaluation text
    zero_shot: ZeroShotFacts | None  # None where no task was asked for


@dataclass(frozen=True)
class Ceiling:
    """What the pruned model's perplexity on the first text must not exceed to be of any use."""

    perplexity: float = inf
    increase: float = inf  # over the dense model's, relative to it

    def over(self, dense: float) -> float:
        """The lower of the two, for a dense model of this perplexity."""
        return min(self.perplexity, dense * (1 + self.increase))


NO_CEILING = Ceiling()


@dataclass(frozen=True)
class _OfOne:
    """The measurements of one model."""

    perplexities: list[float]
    scores: list[Score]
    cut_short: bool = False  # above the ceiling in the first text, and not measured further

    @classmethod
    def read(cls, path: Path) -> Self:
        """From JSON, from which floats come back bit for bit."""
        noted = json.loads(path.read_text())
        scores = [Score(**score) for score in noted["scores"]]
        return cls(noted["perplexities"], scores, noted["cut_short"])


def evaluation_steps(plan: Plan) -> int:
    """How many steps `evaluate` takes: for both models, batches of windows and whole tasks."""
    batches = sum(len(evaluation_batches(text.windows)) for text in plan.evaluations)
    return 2 * (batches + len(plan.evaluation_request.tasks))


def evaluate(
    plan: Plan,
    directory: Path,
    step: Callable[[int, int], None],
    ledger: Ledger,
    conditions: Conditions,
    ceiling: Ceiling = NO_CEILING,
) -> Measured:
    """Measure the dense model, and the pruned one as it lies in `directory`; one at a time in memory.

    Of a pruned model that is certain to lie above the ceiling, nothing more is measured.

    `step(done, total)` is called after each step, and within a task again and again with the last count; what
    it raises ends the measurement. What the ledger has of either is not measured again; `conditions` are
    those of the pruning.
    """
    steps = evaluation_steps(plan)
    request = {"evaluation": plan.evaluation_request.model_dump_json()}
    texts = {f"text {number}": text.fingerprint for number, text in enumerate(plan.evaluations)}
    kept = ledger.begin(Stage.EVALUATE, {**conditions, **request, **texts})

    def measured(number: int, load: Callable[[], PreTrainedModel], limit: float = inf) -> _OfOne:
        before = number * steps // 2
        if number in kept:
            step(before + steps // 2, steps)
            return _OfOne.read(kept[number])
        found = _measure(plan, load(), lambda done: step(before + done, steps), limit)
        path = ledger.directory(Stage.EVALUATE) / f"{number}.json"
        path.write_text(json.dumps(asdict(found)))
        ledger.keep(Stage.EVALUATE, number, path)
        return found

    dense = measured(0, plan.dense_model)
    limit = ceiling.over(dense.perplexities[0])
    pruned = measured(1, lambda: plan.pruned_model(directory), limit)
    texts_measured = zip(plan.evaluations, dense.perplexities, pruned.perplexities, strict=False)
    return Measured(
        tuple(_facts(text, *values, cut_short=pruned.cut_short) for text, *values in texts_measured),
        side_by_side(dense.scores, pruned.scores) if plan.tasks and not pruned.cut_short else None,
    )


def _measure(plan: Plan, model: PreTrainedModel, step: Callable[[int], None], limit: float) -> _OfOne:
    perplexities: list[float] = []
    scores: list[Score] = []
    done = 0
    for text in plan.evaluations:
        batch_done = partial(_count_on, step, done)
        first = not perplexities
        perplexities.append(
            perplexity(
                model, text.windows, stride=text.stride, ceiling=limit if first else inf, step=batch_done
            )
        )
        if first and perplexities[0] > limit:
            return _OfOne(perplexities, [], cut_short=True)
        done += len(evaluation_batches(text.windows))
    if plan.tasks:
        for number in range(len(plan.tasks.names)):
            scores += plan.tasks.scores(number, model, plan.tokenizer, check=partial(step, done))
            done += 1
            step(done)
    return _OfOne(perplexities, scores)


def _count_on(step: Callable[[int], None], before: int, done: int, _total: int) -> None:
    step(before + done)


def _facts(text: EvaluationSet, dense: float, pruned: float, *, cut_short: bool) -> PerplexityFacts:
    windows, length = text.windows.shape
    return PerplexityFacts(
        dense=dense,
        pruned=pruned,
        cut_short=cut_short,
        definition=text.definition,
        dataset=text.dataset,
        windows=windows,
        sequence_length=length,
        stride=text.stride or length,
        fingerprint=text.fingerprint,
    )
