"""What each stage of a run costs: its seconds, and its own peak memory."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch

from pruning.progress import Progress
from pruning.recipe import Stage
from pruning.report.schema import StageFacts
from pruning.runtime.peak_memory import PeakMemory


class Stages:
    """Runs the stages one after the other, tells `progress`, and keeps what they cost."""

    def __init__(self, progress: Progress, device: torch.device) -> None:
        """`device`: where the run computes."""
        self.device = device
        self.facts: list[StageFacts] = []
        self._progress = progress
        self._memory = PeakMemory(device)

    @contextmanager
    def stage(self, name: Stage, steps: int) -> Iterator[Callable[[int, int], None]]:
        """The body is the stage; what it is given is to be called after each step as `(done, steps)`."""
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
        """What a reader of the costs must know."""
        if self._memory.resettable:
            return ()
        return ("peak memory is the process's since its start: this system cannot measure it per stage",)
