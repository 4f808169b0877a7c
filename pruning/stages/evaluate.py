"""What the dense and the pruned model are worth, measured by the same code on the same text."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cache, partial
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import Self

from transformers import PreTrainedModel

from pruning.estimate.memory import MEMORY_SHARE
from pruning.evaluation.cache import DensePerplexities
from pruning.evaluation.perplexity import EvaluationSet, evaluation_batches, perplexity
from pruning.evaluation.zero_shot import Score, side_by_side
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.recipe import Stage
from pruning.report.schema import PerplexityFacts, ZeroShotFacts
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.runtime.device import total_memory
from pruning.stages.resolve import Plan


@dataclass(frozen=True)
class EvaluationResult:
    """The measurements of both models."""

    perplexities: tuple[PerplexityFacts, ...]  # one per evaluation text
    zero_shot: ZeroShotFacts | None  # None where no task was asked for
    dense_reused: bool  # all of the dense model's perplexities were known before


@dataclass(frozen=True)
class PerplexityLimit:
    """What the pruned model's perplexity on the first text must not exceed to be of any use."""

    perplexity: float = inf
    increase: float = inf  # over the dense model's, relative to it

    def over(self, dense: float) -> float:
        """The lower of the two, for a dense model of this perplexity."""
        return min(self.perplexity, dense * (1 + self.increase))


NO_LIMIT = PerplexityLimit()


@dataclass(frozen=True)
class _OfOne:
    """The measurements of one model."""

    perplexities: list[float]
    scores: list[Score]
    cut_short: bool = False  # above the ceiling in the first text, and not measured further
    reused: bool = False  # its perplexities were known before

    @classmethod
    def read(cls, path: Path) -> Self:
        """From JSON, from which floats come back bit for bit."""
        noted = json.loads(path.read_text())
        return cls(**noted | {"scores": [Score(**score) for score in noted["scores"]]})


def evaluation_steps(plan: Plan, dense: DensePerplexities) -> int:
    """How many steps `evaluate` takes: batches of windows and whole tasks, for both models."""
    return _steps(plan, dense.known) + _steps(plan, {})


def _steps(plan: Plan, known: Mapping[int, float]) -> int:
    unknown = (text for number, text in enumerate(plan.evaluations) if number not in known)
    return sum(len(evaluation_batches(text.windows)) for text in unknown) + len(plan.evaluation_request.tasks)


def evaluate(
    plan: Plan,
    directory: Path,
    step: Callable[[int, int], None],
    resume_store: ResumeStore,
    numerics_key: NumericsKey,
    dense: DensePerplexities,
    ceiling: PerplexityLimit = NO_LIMIT,
) -> EvaluationResult:
    """Measure the dense model, and the pruned one as it lies in `directory`; one at a time in memory.

    Of the dense model only what is not known yet is measured, and then left for later runs. Of a pruned model
    that is certain to lie above the ceiling, nothing more is measured.

    `step(done, total)` is called after each step, and within a task again and again with the last count; what
    it raises ends the measurement. Measurements that the resume store holds under `numerics_key` are reused.
    """
    request = {"evaluation": plan.evaluation_request.model_dump_json()}
    texts = {f"text {number}": text.fingerprint for number, text in enumerate(plan.evaluations)}
    kept = resume_store.begin(Stage.EVALUATE, {**numerics_key, **request, **texts})
    steps = evaluation_steps(plan, dense)
    of_dense = _steps(plan, dense.known)

    def measured(number: int, measure: Callable[[Callable[[int], None]], _OfOne]) -> _OfOne:
        before, after = ((0, of_dense), (of_dense, steps))[number]
        if number in kept:
            step(after, steps)
            return _OfOne.read(kept[number])
        found = measure(lambda done: step(before + done, steps))
        path = resume_store.directory(Stage.EVALUATE) / f"{number}.json"
        path.write_text(json.dumps(asdict(found)))
        resume_store.commit(Stage.EVALUATE, number, path)
        return found

    before = measured(0, lambda done: _measure(plan, plan.placement, done, known=dense.known))
    dense.put(before.perplexities)
    limit = ceiling.over(before.perplexities[0])
    after = measured(
        1, lambda done: _measure(plan, lambda: plan.pruned_placement(directory), done, limit=limit)
    )
    texts_measured = zip(plan.evaluations, before.perplexities, after.perplexities, strict=False)
    return EvaluationResult(
        tuple(_facts(text, *values, cut_short=after.cut_short) for text, *values in texts_measured),
        side_by_side(before.scores, after.scores) if plan.tasks and not after.cut_short else None,
        dense_reused=before.reused,
    )


def _measure(
    plan: Plan,
    load: Callable[[], Placement],
    step: Callable[[int], None],
    *,
    known: Mapping[int, float] = MappingProxyType({}),
    limit: float = inf,
) -> _OfOne:
    """Measure one model, which is loaded if anything of it is not known."""
    perplexities: list[float] = []
    scores: list[Score] = []
    done = 0
    with ExitStack() as placed:
        model = cache(lambda: placed.enter_context(_ready(load())))
        for number, text in enumerate(plan.evaluations):
            if number in known:
                perplexities.append(known[number])
                continue
            batch_done = partial(_count_on, step, done)
            bound = limit if number == 0 else inf
            perplexities.append(
                perplexity(model(), text.windows, stride=text.stride, ceiling=bound, step=batch_done)
            )
            if perplexities[-1] > bound:
                return _OfOne(perplexities, [], cut_short=True)
            done += len(evaluation_batches(text.windows))
        if plan.tasks:
            for number in range(len(plan.tasks.names)):
                scores += plan.tasks.scores(number, model(), plan.tokenizer, check=partial(step, done))
                done += 1
                step(done)
    return _OfOne(perplexities, scores, reused=len(known) == len(plan.evaluations))


@contextmanager
def _ready(placement: Placement) -> Iterator[PreTrainedModel]:
    """The model while it can be called, as a whole or block by block, by what the device has room for."""
    blocks = [block.module for block in find_stack(placement.model).blocks]
    with placement.whole(blocks, int(MEMORY_SHARE * total_memory(placement.device))):
        yield placement.model


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
