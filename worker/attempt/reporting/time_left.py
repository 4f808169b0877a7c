"""Estimates how long a job will still take: the estimate before it ran, corrected by its pace so far."""

import time
from collections.abc import Callable, Mapping

from pruning.recipe import Stage

# One pace holds for all stages that compute. Reading and writing files has a pace of its own.
_COMPUTING = frozenset(Stage) - {Stage.RESOLVE, Stage.UPLOAD}


class TimeLeft:
    """The time left of a whole job, in seconds.

    The current stage continues at its own pace, later ones at the pace of what has been computed so far.
    """

    def __init__(
        self, expected: Mapping[Stage, float], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`expected`: the estimated seconds by stage; empty where there is no estimate yet."""
        self._later = dict(expected)
        self._clock = clock
        self._stage: Stage | None = None
        self._expected = 0.0  # of the current stage
        self._started = clock()
        self._computed_seconds = 0.0
        self._computed_expected = 0.0

    def expect(self, expected: Mapping[Stage, float]) -> None:
        """Replace the estimates of the stages after the current one."""
        self._later = {stage: seconds for stage, seconds in expected.items() if stage != self._stage}

    def stage_started(self, stage: Stage) -> None:
        self._stage = stage
        self._expected = self._later.pop(stage, 0.0)
        self._started = self._clock()

    def stage_reused(self) -> None:
        """The current stage reuses earlier results, so its pace says nothing about the machine."""
        self._expected = 0.0

    def stage_finished(self) -> None:
        self._computed_seconds, self._computed_expected = self._computed(1.0)
        self._stage, self._expected = None, 0.0

    def after_step(self, done: int, steps: int) -> float | None:
        """Return the time that the job will still take. None: there is nothing to estimate it by."""
        share = done / steps
        computed, expected = self._computed(share)
        pace = computed / expected if computed and expected else 1.0
        later = sum(
            seconds * (pace if stage in _COMPUTING else 1.0) for stage, seconds in self._later.items()
        )
        elapsed = self._clock() - self._started
        if share:
            return elapsed / share - elapsed + later
        if self._expected:
            return self._expected * (pace if self._stage in _COMPUTING else 1.0) + later
        return later or None

    def _computed(self, share: float) -> tuple[float, float]:
        """Return the time that computing has taken so far, and the time that was estimated for it."""
        if self._stage not in _COMPUTING or not self._expected:
            return self._computed_seconds, self._computed_expected
        elapsed = self._clock() - self._started if share else 0.0
        return self._computed_seconds + elapsed, self._computed_expected + self._expected * share
