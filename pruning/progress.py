"""How a run reports its progress, and how its caller stops it."""

from collections.abc import Callable
from typing import Protocol

from pruning.recipe.recipe import Stage

Step = Callable[[int, int], None]
"""Called as `step(done, steps)` after each step of a computation. An exception that it raises ends it."""


class Progress(Protocol):
    """Receives the progress of a run. An exception from any method stops the run between two steps."""

    def stage_started(self, stage: Stage, steps: int) -> None:
        """A stage begins; it takes `steps` steps (blocks, or micro-batches of windows)."""

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """`done` of the stage's `steps` are finished."""

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        """A stage has finished. The peak is of the process's resident memory, or of the CUDA device's."""


class Silent:
    """Ignores progress."""

    def stage_started(self, stage: Stage, steps: int) -> None:
        """Do nothing."""

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """Do nothing."""

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        """Do nothing."""
