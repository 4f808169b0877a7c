"""Evaluate: measure the dense and the pruned model by the same code on the same texts."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cache, cached_property, partial
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Self

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pruning.estimate.memory import MEMORY_SHARE
from pruning.evaluation.cache import DensePerplexities, PerplexityCache
from pruning.evaluation.perplexity import EvaluationSet, evaluation_batches, perplexity
from pruning.evaluation.zero_shot import Score, Tasks, side_by_side
from pruning.inputs.publications import Publications
from pruning.model.blocks import find_stack
from pruning.model.placement import Placement
from pruning.recipe import Evaluation, Stage
from pruning.report.schema import PerplexityFacts, ZeroShotFacts
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import NumericsKey, ResumeStore
from pruning.runtime.device import total_memory
from pruning.runtime.malloc import return_freed_heap
from pruning.stages.models import ResolvedModel
from pruning.stages.recorder import Step

_DENSE, _PRUNED = 0, 1
"""The block numbers under which the measurements are committed to the resume store."""


@dataclass(frozen=True)
class EvaluationInputs:
    """An evaluation with the texts and tasks that it names."""

    request: Evaluation
    texts: tuple[EvaluationSet, ...]  # at least one; the first is the one that limits and gates refer to
    tasks: Tasks | None  # None where no task is asked for
    tokenizer: PreTrainedTokenizerBase | None  # for the tasks

    def steps(self, device: torch.device, known: Mapping[int, float] = MappingProxyType({})) -> int:
        """Return the steps to measure one model: a batch of windows, or a whole task, is one step.

        `device`: where the model computes. `known`: perplexities that need no measurement, by the number of
        their text.
        """
        unknown = (text for number, text in enumerate(self.texts) if number not in known)
        batches = sum(len(evaluation_batches(text.windows, device)) for text in unknown)
        return batches + len(self.request.tasks)


@dataclass(frozen=True)
class EvaluationResult:
    """The measurements of both models."""

    perplexities: tuple[PerplexityFacts, ...]  # one per evaluation text
    zero_shot: ZeroShotFacts | None  # None where no task was asked for
    dense_reused: bool  # all dense perplexities came from the cache


@dataclass(frozen=True)
class PerplexityLimit:
    """The perplexity on the first text above which the pruned model is of no use."""

    perplexity: float = inf
    increase: float = inf  # over the dense model's, relative to it

    def for_dense(self, dense: float) -> float:
        """Return the lower of the two limits, for a dense model of this perplexity."""
        return min(self.perplexity, dense * (1 + self.increase))


NO_LIMIT = PerplexityLimit()


@dataclass(frozen=True)
class _Measurement:
    """The measurements of one model."""

    perplexities: list[float]
    scores: list[Score]
    cut_short: bool = False  # above the limit on the first text, and not measured further
    reused: bool = False  # all of its perplexities were known

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        stored = json.loads(path.read_text())
        return cls(**stored | {"scores": [Score(**score) for score in stored["scores"]]})

    def write(self, path: Path) -> None:
        """Write JSON, from which floats come back bit for bit."""
        path.write_text(json.dumps(asdict(self)))


class EvaluateStage:
    """Measures the dense model, then the pruned one as loaded from disk; one is in memory at a time.

    Perplexities of the dense model that are cached are not measured. The measurement of a pruned model ends
    once it is certain to exceed the limit.
    """

    name: ClassVar[Stage] = Stage.EVALUATE

    def __init__(
        self,
        model: ResolvedModel,
        inputs: EvaluationInputs,
        *,
        pruned: Path,
        limit: PerplexityLimit,
        numerics_key: NumericsKey,
        resume_store: ResumeStore,
        cache: PerplexityCache,
        publications: Publications,
    ) -> None:
        """`pruned`: the directory of the pruned model.

        `numerics_key`: measurements that the resume store holds under it are not repeated.
        """
        self._model, self._inputs, self._pruned, self._limit = model, inputs, pruned, limit
        self._numerics_key, self._resume_store = numerics_key, resume_store
        self._publications = publications
        self._cached = DensePerplexities(model.checkpoint.identity, inputs.texts, numerics_key, cache)

    def prepare(self) -> int:
        """Look up the dense perplexities. A batch of windows, or a whole task, is one step for each model."""
        return self._dense_steps + self._inputs.steps(self._model.device)

    def run(self, step: Step) -> EvaluationResult:
        """Measure both models, except what the cache or an earlier attempt has measured.

        Raises InvalidInput with the name of a file of the dense model that has changed since the run began.

        Within a task, `step` is called repeatedly with the same count, so that it can stop the run.
        """
        steps = self._dense_steps + self._inputs.steps(self._model.device)
        stored = self._resume_store.begin(Stage.EVALUATE, self._stored_under)

        def measured(number: int, measure: Callable[[Callable[[int], None]], _Measurement]) -> _Measurement:
            start, end = ((0, self._dense_steps), (self._dense_steps, steps))[number]
            if number in stored:
                step(end, steps)
                return _Measurement.read(stored[number].path)
            measurement = measure(lambda done: step(start + done, steps))
            path = self._resume_store.directory(Stage.EVALUATE) / f"{number}.json"
            measurement.write(path)
            self._resume_store.commit(Stage.EVALUATE, number, HashedFile.of(path))
            return measurement

        known = self._cached.known
        dense = measured(
            _DENSE,
            lambda report_done: _measure(self._model.place_dense, self._inputs, report_done, known=known),
        )
        # The dense model is not read after this, so that this hash of its files is the run's last.
        self._publications.hold_back(partial(self._cached.publish, dense.perplexities))
        limit = self._limit.for_dense(dense.perplexities[0])
        place = partial(self._model.place_pruned, self._pruned)
        pruned = measured(
            _PRUNED, lambda report_done: _measure(place, self._inputs, report_done, limit=limit)
        )
        self._publications.finish(lambda: step(steps, steps))
        texts = zip(self._inputs.texts, dense.perplexities, pruned.perplexities, strict=False)
        return EvaluationResult(
            tuple(_facts(text, *values, cut_short=pruned.cut_short) for text, *values in texts),
            side_by_side(dense.scores, pruned.scores)
            if self._inputs.tasks and not pruned.cut_short
            else None,
            dense_reused=dense.reused,
        )

    @cached_property
    def _dense_steps(self) -> int:
        return self._inputs.steps(self._model.device, self._cached.known)

    @property
    def _stored_under(self) -> NumericsKey:
        texts = {f"text {number}": text.fingerprint for number, text in enumerate(self._inputs.texts)}
        return {**self._numerics_key, "evaluation": self._inputs.request.model_dump_json(), **texts}


def _measure(
    load: Callable[[], Placement],
    inputs: EvaluationInputs,
    report_done: Callable[[int], None],
    *,
    known: Mapping[int, float] = MappingProxyType({}),
    limit: float = inf,
) -> _Measurement:
    """Measure one model. It is loaded only if something about it is not known.

    `report_done` is called with the number of finished steps of this model.
    """
    perplexities: list[float] = []
    scores: list[Score] = []
    done = 0
    with ExitStack() as placed:
        placement = cache(lambda: placed.enter_context(_placed(load())))
        for number, text in enumerate(inputs.texts):
            if number in known:
                perplexities.append(known[number])
                continue
            bound = limit if number == 0 else inf
            batch_done = partial(_count_on, report_done, done)
            at = placement()
            perplexities.append(
                perplexity(
                    at.model, text.windows, stride=text.stride, limit=bound, step=batch_done, placement=at
                )
            )
            if perplexities[-1] > bound:
                return _Measurement(perplexities, [], cut_short=True)
            done += len(evaluation_batches(text.windows, at.device))
        if inputs.tasks and inputs.tokenizer:
            model = placed.enter_context(_callable(placement()))
            for number in range(len(inputs.tasks.names)):
                check = partial(report_done, done)
                scores += inputs.tasks.scores(number, model, inputs.tokenizer, check=check)
                done += 1
                report_done(done)
    return _Measurement(perplexities, scores, reused=len(known) == len(inputs.texts))


@contextmanager
def _placed(placement: Placement) -> Iterator[Placement]:
    """While active, a model that fits onto its GPU is resident; any other is brought block by block.

    On a CPU, one block at a time in the compute dtype takes less memory than all, and no more time.
    """
    fits = placement.device.type != "cpu" and placement.size <= _room(placement)
    try:
        with placement.resident(*[placement.model] if fits else []):
            yield placement
    finally:
        placement.end_stage()
        return_freed_heap()  # of the copies in the compute dtype, which glibc would keep


@contextmanager
def _callable(placement: Placement) -> Iterator[PreTrainedModel]:
    """While active, the model can be called: resident as a whole, or block by block on a small device."""
    blocks = [block.module for block in find_stack(placement.model).blocks]
    with placement.whole(blocks, _room(placement)):
        yield placement.model


def _room(placement: Placement) -> int:
    """Return the bytes of the device's memory that the model may take."""
    return int(MEMORY_SHARE * total_memory(placement.device))


def _count_on(report_done: Callable[[int], None], before: int, done: int, _total: int) -> None:
    report_done(before + done)


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
