"""The shape of a stage, and what each stage of a run costs: its seconds and its own peak memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Protocol, TypeVar

import torch

from pruning.progress import Progress
from pruning.recipe import Stage
from pruning.report.schema import StageFacts
from pruning.runtime.peak_memory import PeakMemory

Step = Callable[[int, int], None]
"""Called as `(done, steps)` after each step. An exception that it raises ends the stage."""

ResultT_co = TypeVar("ResultT_co", covariant=True)


class RunStage(Protocol[ResultT_co]):
    """One stage of a run: constructed with everything that it needs, it returns everything that it leaves."""

    @property
    def name(self) -> Stage:
        """Its name in the report and in progress."""

    @property
    def steps(self) -> int | None:
        """The number of steps; None where there is nothing to compute, and nothing is recorded."""

    def run(self, step: Step) -> ResultT_co:
        """Do the work, calling `step` after each step."""


class StageRecorder:
    """Runs stages one after the other, reports their progress, and records what each one costs."""

    def __init__(self, progress: Progress, device: torch.device) -> None:
        """`device`: the one that computes, whose peak memory is recorded."""
        self.facts: list[StageFacts] = []
        self._progress = progress
        self._memory = PeakMemory(device)

    def run(self, stage: RunStage[ResultT_co]) -> ResultT_co:
        """Run a stage and record its cost, unless it has nothing to compute."""
        if (steps := stage.steps) is None:
            return stage.run(lambda done, steps: None)
        with self.stage(stage.name, steps) as step:
            return stage.run(step)

    @contextmanager
    def stage(self, name: Stage, steps: int) -> Iterator[Step]:
        """Record the body as a stage. It yields the function to call after each step."""
        self._memory.reset()
        started = time.perf_counter()
        self._progress.stage_started(name, steps)
        yield partial(self._progress.step_finished, name)
        facts = StageFacts(
            name=name, seconds=time.perf_counter() - started, peak_memory_bytes=self._memory.peak()
        )
        self.facts.append(facts)
        self._progress.stage_finished(name, facts.seconds, facts.peak_memory_bytes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the recorded costs must know."""
        if self._memory.resettable:
            return ()
        return ("peak memory is the process's since its start: this system cannot measure it per stage",)
