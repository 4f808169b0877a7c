"""Speed: tokens per second, bytes and memory of the result, and of the dense model on the same machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import ClassVar

from pruning.checkpoint.files import weight_files
from pruning.estimate.work import BATCHES, PHASES, SPEED_PAIRS, SequenceLengths
from pruning.evaluation.speed import Clock, clock_of, rates, run_of
from pruning.models.placement import Placement
from pruning.pipeline.models import ResolvedModel
from pruning.pipeline.resources import memory_for_models
from pruning.progress import Step
from pruning.recipe import Stage
from pruning.report import RateFacts, SpeedFacts
from pruning.runtime.device import is_out_of_memory
from pruning.runtime.process_memory import PeakMemory, trim_heap

_ZEROS_GAIN_NOTHING = (
    "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it "
    "is as large and as fast as the dense model wherever it runs"
)
_LEFT_OUT = "the speed was not measured: evaluation.speed is off, or the gate failed before"


@dataclass(frozen=True)
class SpeedStage:
    """Runs the dense and the pruned model in turns. Nothing is saved: a run that resumes measures again.

    The dense model is read once more, after the run has proven that its files are unchanged: a speed does not
    depend on what the weights are.
    """

    name: ClassVar[Stage] = Stage.SPEED

    model: ResolvedModel
    pruned: Path  # the directory of the pruned model
    is_smaller: bool
    wanted: bool
    seconds: float
    """The time limit of the stage; the fewest pairs are measured in any case."""

    def prepare(self) -> int | None:
        """Return the number of pairs of runs. None where nothing is measured."""
        return self._steps if self.wanted else None

    def run(self, step: Step) -> SpeedFacts:
        """Measure, and return the speed for the report."""
        if not self.wanted:
            return self._facts(None if self.is_smaller else 1.0, note=self._note or _LEFT_OUT)
        until = self._clock() + self.seconds
        one_device = replace(self.model, devices=self.model.devices[:1])
        dense, pruned = one_device.place_dense(), one_device.place_pruned(self.pruned)
        if dense.size + pruned.size > memory_for_models(self.model.device):
            return self._too_large
        try:
            with _resident(dense), _resident(pruned):
                return self._measured(dense, pruned, until, step)
        except (RuntimeError, MemoryError, OSError) as error:
            if not is_out_of_memory(error):
                raise
            return self._too_large

    def _measured(self, dense: Placement, pruned: Placement, until: float, step: Step) -> SpeedFacts:
        memory = self._peak_memory(dense), self._peak_memory(pruned)
        steps = count(1)
        measured = rates(
            dense.model,
            pruned.model,
            self._lengths,
            self._clock,
            until,
            lambda: step(next(steps), self._steps),
        )
        found = tuple(RateFacts(**asdict(rate)) for rate in measured)
        lowest = min((rate for rate in found if rate.batch == 1), key=lambda rate: rate.speedup)
        return self._facts(
            lowest.speedup if lowest.is_measurable else None,
            found,
            pairs=(next(steps) - 1) // len(found),
            memory=memory,
            note=self._note,
        )

    def _peak_memory(self, placement: Placement) -> int:
        """Return the bytes of the weights, plus the peak that the largest batch adds."""
        memory = PeakMemory(placement.device)
        runs = [run_of(placement.model, phase, max(BATCHES), self._lengths) for phase in PHASES]
        trim_heap()  # reused memory would not count
        memory.reset()
        before = memory.peak()
        for run in runs:
            if run is not None:
                run()()
        return placement.size + max(0, memory.peak() - before)

    @property
    def _too_large(self) -> SpeedFacts:
        note = "the speed was not measured: the dense model and the result do not fit into memory together"
        return self._facts(None if self.is_smaller else 1.0, note=note)

    @cached_property
    def _lengths(self) -> SequenceLengths:
        return SequenceLengths.on(self.model.device.type, self.model.checkpoint.context_length)

    @cached_property
    def _clock(self) -> Clock:
        return clock_of(self.model.device)

    @property
    def _steps(self) -> int:
        return SPEED_PAIRS * len(PHASES) * len(BATCHES)

    @property
    def _note(self) -> str | None:
        return None if self.is_smaller else _ZEROS_GAIN_NOTHING

    def _facts(
        self,
        speedup: float | None,
        found: tuple[RateFacts, ...] = (),
        *,
        pairs: int | None = None,
        memory: tuple[int, int] | tuple[None, None] = (None, None),
        note: str | None,
    ) -> SpeedFacts:
        files = weight_files(self.pruned, {path.name for path in self.pruned.iterdir()})
        return SpeedFacts(
            dense_bytes=self.model.checkpoint.weight_bytes,
            bytes=sum((self.pruned / name).stat().st_size for name in files),
            speedup=speedup,
            rates=found,
            prompt_tokens=self._lengths.prompt if found else None,
            generated_tokens=self._lengths.generated if found else None,
            pairs=pairs,
            dense_peak_memory_bytes=memory[0],
            peak_memory_bytes=memory[1],
            note=note,
        )


@contextmanager
def _resident(placement: Placement) -> Iterator[None]:
    """While active, the whole model is on the device that computes."""
    try:
        with placement.resident(placement.model):
            yield
    finally:
        placement.end_stage()
        trim_heap()
