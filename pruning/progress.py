"""How a run tells its caller where it is, and how the caller stops it."""

from typing import Protocol

from pruning.recipe.stages import Stage


class Progress(Protocol):
    """Receives a run's progress. An exception raised from any of these stops the run between two steps."""

    def stage_started(self, stage: Stage, steps: int) -> None:
        """A stage begins and will take `steps` steps (blocks, or micro-batches of windows)."""

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """`done` of the stage's `steps` are finished."""

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        """The stage is done. The peak is the process's resident memory, or the device's where one is used."""


class Silent:
    """Progress for a caller that does not look."""

    def stage_started(self, stage: Stage, steps: int) -> None:
        """Say nothing."""

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """Say nothing."""

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        """Say nothing."""
