"""Evaluate: measure the dense and the pruned model by the same code on the same texts."""

import hashlib
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, cached_property, partial
from math import inf
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from pruning.evaluation.cache import DenseMeasurement, DenseMeasurements
from pruning.evaluation.final_states import Fidelity, window_facts
from pruning.evaluation.perplexity import EvaluationSet, evaluation_batches, perplexity_over, window_losses
from pruning.evaluation.zero_shot import Score, Tasks, side_by_side
from pruning.models.blocks import find_stack
from pruning.models.placement import Placement
from pruning.pipeline.measurement import Comparing, Measurement, Observers, Recording
from pruning.pipeline.models import ResolvedModel
from pruning.pipeline.recorder import RunContext
from pruning.pipeline.resources import memory_for_models
from pruning.progress import Step
from pruning.recipe import Evaluation, Stage
from pruning.report import PerplexityFacts, ZeroShotFacts
from pruning.resume.hashed_file import HashedFile
from pruning.resume.store import NumericsKey
from pruning.runtime.process_memory import trim_heap

_DENSE, _PRUNED = 0, 1
"""The block numbers under which the measurements are committed to the resume store."""

_FORMAT = 4  # of the measurements in the resume store


@dataclass(frozen=True)
class EvaluationInputs:
    """An evaluation with the texts and tasks that it names."""

    request: Evaluation
    texts: tuple[EvaluationSet, ...]  # at least one; the first is the one that limits and gates refer to
    tasks: Tasks | None  # None where no task is asked for
    tokenizer: PreTrainedTokenizerBase | None  # for the tasks

    def steps(self, device: torch.device, known: Container[int] = ()) -> int:
        """Return the steps to measure one model: a batch of windows, or a whole task, is one step.

        `device`: where the model computes. `known`: numbers of texts that need no measurement.
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
    over_limit: bool  # the pruned model exceeded the limit on the first text, and was not measured further


@dataclass(frozen=True)
class PerplexityLimit:
    """The perplexity on the first text above which the pruned model is rejected."""

    perplexity: float = inf
    increase: float = inf  # over the dense model's, relative to it

    def for_dense(self, dense: float) -> float:
        """Return the lower of the two limits, for a dense model of this perplexity."""
        return min(self.perplexity, dense * (1 + self.increase))


NO_LIMIT = PerplexityLimit()


class EvaluateStage:
    """Measures the dense model, then the pruned one as loaded from disk; one is in memory at a time.

    The pruned model's predictions are compared with the dense one's by the latter's final states. What is
    cached of the dense model is not measured. The measurement of a pruned model ends
    as soon as it is certain to exceed the limit.
    """

    name: ClassVar[Stage] = Stage.EVALUATE

    def __init__(
        self,
        model: ResolvedModel,
        inputs: EvaluationInputs,
        context: RunContext,
        *,
        pruned: Path,
        limit: PerplexityLimit,
        numerics_key: NumericsKey,
    ) -> None:
        """`pruned`: the directory of the pruned model.

        `numerics_key`: measurements that the resume store holds under it are not repeated.
        """
        self._model, self._inputs, self._pruned, self._limit = model, inputs, pruned, limit
        self._numerics_key, self._resume_store = numerics_key, context.resume_store
        self._publications = context.publications
        self._cached = DenseMeasurements(
            model.checkpoint.identity,
            inputs.texts,
            numerics_key,
            context.perplexity_cache,
            self._resume_store.directory(Stage.EVALUATE),
        )

    def prepare(self) -> int:
        """Query the cache of dense measurements. A batch, or a whole task, of one model is one step."""
        return self._dense_steps + self._inputs.steps(self._model.device)

    def run(self, step: Step) -> EvaluationResult:
        """Measure both models, except what the cache or an earlier attempt has measured.

        Raises InvalidInput with the name of a file of the dense model that has changed since the run began.

        Within a task, `step` is called repeatedly with the same count, so that it can stop the run.
        """
        steps = self._dense_steps + self._inputs.steps(self._model.device)
        stored = self._resume_store.begin(Stage.EVALUATE, self._resume_key)
        dense_model = cache(self._model.place_dense)  # loaded at most once, and only if it is needed

        recording = Recording(self._resume_store, len(self._inputs.texts))
        dense = self._dense_of_earlier_attempt(stored, recording)
        if dense is None:
            recording.use({number: known.states for number, known in self._cached.known.items()})
            dense = self._measured(
                _DENSE, dense_model, lambda done: step(done, steps), recording, known=self._cached.known
            )
        else:
            step(self._dense_steps, steps)
        pruned_model = cache(lambda: self._model.place_pruned(self._pruned))
        comparing = Comparing(recording.files)
        if _PRUNED not in stored and comparing.is_possible:
            comparing.note_differences(dense_model().model, pruned_model().model)
        dense_model.cache_clear()
        # The dense model is not read after this, so that this hash of its files is the run's last.
        measurements = map(DenseMeasurement, dense.losses, recording.files)
        self._publications.publish_when_verified(partial(self._cached.publish, list(measurements)))
        if _PRUNED in stored:
            pruned = Measurement.read(stored[_PRUNED].path)
            step(steps, steps)
        else:
            pruned = self._measured(
                _PRUNED,
                pruned_model,
                lambda done: step(self._dense_steps + done, steps),
                comparing,
                limit=self._limit.for_dense(perplexity_over(self._inputs.texts[0].windows, dense.losses[0])),
            )
        self._publications.finish(lambda: step(steps, steps))
        texts = zip(self._inputs.texts, dense.losses, pruned.losses, pruned.fidelity, strict=False)
        return EvaluationResult(
            tuple(_facts(*of_text) for of_text in texts),
            side_by_side(dense.scores, pruned.scores)
            if self._inputs.tasks and not pruned.over_limit
            else None,
            dense_reused=dense.reused,
            over_limit=pruned.over_limit,
        )

    def _measured(
        self,
        number: int,
        load: Callable[[], Placement],
        report_done: Callable[[int], None],
        observers: Observers,
        *,
        known: Mapping[int, DenseMeasurement] = MappingProxyType({}),
        limit: float = inf,
    ) -> Measurement:
        """Measure one model, and commit the measurement."""
        measurement = _measure(load, self._inputs, report_done, observers, known=known, limit=limit)
        path = self._resume_store.directory(Stage.EVALUATE) / f"{number}.json"
        measurement.write(path)
        self._resume_store.commit(Stage.EVALUATE, number, HashedFile.of(path))
        return measurement

    def _dense_of_earlier_attempt(
        self, stored: Mapping[int, HashedFile], recording: Recording
    ) -> Measurement | None:
        """Return the measurement of an earlier attempt, if all its final states are still stored."""
        if _DENSE not in stored:
            return None
        dense = Measurement.read(stored[_DENSE].path)
        return dense if recording.found(dense.states, stored, self._cached.known) else None

    @cached_property
    def _dense_steps(self) -> int:
        return self._inputs.steps(self._model.device, self._cached.known)

    @property
    def _resume_key(self) -> NumericsKey:
        texts = {f"text {number}": text.fingerprint for number, text in enumerate(self._inputs.texts)}
        request = self._inputs.request.model_dump_json(exclude={"speed"})
        limit = f"{self._limit.perplexity}, increase {self._limit.increase}"
        if tasks := self._inputs.tasks:
            files = "".join(f"{file.name} {file.digest()}\n" for file in tasks.files)
            texts["tasks"] = hashlib.sha256(files.encode()).hexdigest()
        return {**self._numerics_key, "format": _FORMAT, "evaluation": request, "limit": limit, **texts}


def _measure(
    load: Callable[[], Placement],
    inputs: EvaluationInputs,
    report_done: Callable[[int], None],
    observers: Observers,
    *,
    known: Mapping[int, DenseMeasurement],
    limit: float,
) -> Measurement:
    """Measure one model. It is loaded only if a measurement is missing.

    `report_done` is called with the number of finished steps of this model.
    """
    losses: list[Sequence[float]] = []
    scores: list[Score] = []
    done = 0
    with ExitStack() as entered:
        placement = cache(lambda: entered.enter_context(placed(load())))
        for number, text in enumerate(inputs.texts):
            if number in known:
                losses.append(known[number].losses)
                continue
            bound = limit if number == 0 else inf
            batch_done = partial(_count_on, report_done, done)
            at = placement()
            with observers.observing(number, text, at.model) as observe:
                measured = window_losses(
                    at.model,
                    text.windows,
                    limit=bound,
                    step=batch_done,
                    placement=at,
                    observe=observe,
                )
            losses.append(measured)
            if perplexity_over(text.windows, measured) > bound:
                return observers.complete(Measurement(losses, [], over_limit=True))
            done += len(evaluation_batches(text.windows, at.device))
        if inputs.tasks and inputs.tokenizer:
            model = entered.enter_context(_callable(placement()))
            for number in range(len(inputs.tasks.names)):
                check = partial(report_done, done)
                scores += inputs.tasks.scores(number, model, inputs.tokenizer, check=check)
                done += 1
                report_done(done)
    return observers.complete(Measurement(losses, scores, reused=len(known) == len(inputs.texts)))


@contextmanager
def placed(placement: Placement) -> Iterator[Placement]:
    """While active, a model that fits onto its GPUs is resident; any other is brought block by block.

    On a CPU, one block at a time in the compute dtype takes less memory than all, and no more time.
    """
    blocks = find_stack(placement.model).modules
    fits = placement.device.type != "cpu" and placement.largest_share(blocks) <= memory_for_models(
        *placement.devices
    )
    try:
        with (
            placement.in_pipeline_stages(blocks) if fits else placement.in_round_robin(blocks),
            placement.resident(*[placement.model] if fits else []),
        ):
            yield placement
    finally:
        placement.end_stage()
        trim_heap()  # of the copies in the compute dtype, which glibc would keep


@contextmanager
def _callable(placement: Placement) -> Iterator[PreTrainedModel]:
    """While active, the model can be called: resident as a whole, or block by block on a small device."""
    with placement.whole(find_stack(placement.model).modules, memory_for_models(*placement.devices)):
        yield placement.model


def _count_on(report_done: Callable[[int], None], before: int, done: int, _total: int) -> None:
    report_done(before + done)


def _facts(
    text: EvaluationSet, dense: Sequence[float], pruned: Sequence[float], fidelity: Fidelity | None
) -> PerplexityFacts:
    windows, length = text.windows.shape
    cut_short = len(pruned) < windows  # beyond the limit before the last one
    return PerplexityFacts(
        dense=perplexity_over(text.windows, dense),
        pruned=perplexity_over(text.windows, pruned),
        cut_short=cut_short,
        **({} if cut_short else window_facts(dense, pruned, fidelity)),
        definition=text.definition,
        dataset=text.dataset,
        windows=windows,
        sequence_length=length,
        fingerprint=text.fingerprint,
    )
