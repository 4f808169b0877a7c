"""The interface of a stage, what the stages of a run share, and the cost of each: seconds and peak memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import torch

from pruning.calibration.gradient_cache import GradientCache
from pruning.calibration.gradient_schedule import ScheduleChoice
from pruning.evaluation.cache import PerplexityCache
from pruning.files.verified_publisher import VerifiedPublisher
from pruning.pipeline.models import LoadedModel
from pruning.progress import Progress, Step
from pruning.recipe import Stage
from pruning.report import StageFacts
from pruning.resume.store import ResumeStore
from pruning.runtime.process_memory import PeakMemory
from pruning.sandbox.reading import UntrustedReader

ResultT_co = TypeVar("ResultT_co", covariant=True)


class RunStage(Protocol[ResultT_co]):
    """One stage of a run: constructed with everything that it needs, it returns all of its results.

    The constructor only keeps what it is given. What costs time or may fail is in `prepare` and `run`.
    """

    @property
    def name(self) -> Stage:
        """Its name in the report and in progress."""

    def prepare(self) -> int | None:
        """Determine the remaining work, and return its number of steps.

        None: there is nothing to compute, and nothing is recorded.
        """

    def run(self, step: Step) -> ResultT_co:
        """Do the work after `prepare`, calling `step` after each step."""


class StageRecorder:
    """Runs stages one after the other, reports their progress, and records the cost of each."""

    def __init__(self, progress: Progress, *devices: torch.device) -> None:
        """`devices`: those that compute, whose peak memory is recorded."""
        self.facts: list[StageFacts] = []
        self._progress = progress
        self._memory = PeakMemory(*devices)

    def run(
        self, stage: RunStage[ResultT_co], *, after_step: Callable[[], None] = lambda: None
    ) -> ResultT_co:
        """Prepare and run a stage, and record the cost of both, unless it has nothing to compute.

        `after_step`: called after each step, once it is reported. What it raises ends the stage.
        """
        started = self._start()
        if (steps := stage.prepare()) is None:
            return stage.run(lambda done, steps: None)
        with self._recorded(stage.name, steps, started) as report_step:

            def step(done: int, steps: int) -> None:
                report_step(done, steps)
                after_step()

            return stage.run(step)

    def stage(self, name: Stage, steps: int) -> AbstractContextManager[Step]:
        """Record the body as a stage. It yields the function to call after each step."""
        return self._recorded(name, steps, self._start())

    def _start(self) -> float:
        self._memory.reset()
        return time.perf_counter()

    @contextmanager
    def _recorded(self, name: Stage, steps: int, started: float) -> Iterator[Step]:
        self._progress.stage_started(name, steps)
        yield partial(self._progress.step_finished, name)
        facts = StageFacts(
            name=name, seconds=time.perf_counter() - started, peak_memory_bytes=self._memory.peak()
        )
        self.facts.append(facts)
        self._progress.stage_finished(name, facts.seconds, facts.peak_memory_bytes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Limits of the recorded costs, for the report."""
        if self._memory.resettable:
            return ()
        return ("peak memory is the process's since its start: this system cannot measure it per stage",)


@dataclass(frozen=True)
class RunContext:
    """What the stages of one run share, once its model and texts are resolved."""

    recorder: StageRecorder
    schedule: ScheduleChoice
    deterministic: bool
    gradient_cache: GradientCache | None
    perplexity_cache: PerplexityCache
    publications: VerifiedPublisher
    resume_store: ResumeStore
    reading: UntrustedReader
    check_streamed: Callable[[LoadedModel], None]
    """Raises PruningError where the disks have no room for this model's gradients to be streamed."""

    def run(self, stage: RunStage[ResultT_co]) -> ResultT_co:
        """Record a stage; what is ready for publication is published between its steps."""
        return self.recorder.run(stage, after_step=self.publications.poll)
