"""What each stage of a run costs: its seconds, and its own peak memory."""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch

from pruning.progress import Progress
from pruning.recipe import Stage
from pruning.report.schema import StageFacts

_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """The most memory held since `reset`: of the CUDA device that computes, else of this process."""

    def __init__(self, device: torch.device) -> None:
        """For the memory that `device` computes in."""
        self._device = device
        self.resettable = True  # False: the kernel cannot forget a peak, so it is the whole process's so far

    def reset(self) -> None:
        """Forget what was held before."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        try:
            _CLEAR_REFS.write_text("5")  # proc(5): resets the peak resident set size to the current one
        except OSError:
            self.resettable = False

    def peak(self) -> int:
        """In bytes."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        if self.resettable:
            for line in _STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


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
