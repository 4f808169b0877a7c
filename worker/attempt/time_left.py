"""How long a job will still take: as its estimate says, corrected by what it has done so far."""

import time
from collections.abc import Callable, Mapping

from pruning.recipe import Stage

# Their paces have to do with each other; reading and writing files goes at a pace of its own.
_COMPUTING = frozenset({Stage.GRADIENTS, Stage.PRUNE, Stage.EVALUATE})


class TimeLeft:
    """For the whole job: the current stage at its own pace, later ones at the pace of what was computed."""

    def __init__(
        self, expected: Mapping[Stage, float], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`expected`: seconds by stage, as estimated before the job ran; empty where nothing is known yet."""
        self._ahead = dict(expected)
        self._clock = clock
        self._stage: Stage | None = None
        self._expected = 0.0  # of the current stage
        self._started = clock()
        self._computed_seconds = 0.0
        self._computed_expected = 0.0

    def expect(self, expected: Mapping[Stage, float]) -> None:
        """What is known now of the stages that come after the current one."""
        self._ahead = {stage: seconds for stage, seconds in expected.items() if stage != self._stage}

    def stage_started(self, stage: Stage) -> None:
        """The stage is the current one."""
        self._stage = stage
        self._expected = self._ahead.pop(stage, 0.0)
        self._started = self._clock()

    def stage_reused(self) -> None:
        """The current stage takes over what was computed before: its pace says nothing."""
        self._expected = 0.0

    def stage_finished(self) -> None:
        """The current stage is done."""
        self._computed_seconds, self._computed_expected = self._computed(1.0)
        self._stage, self._expected = None, 0.0

    def after_step(self, done: int, steps: int) -> float | None:
        """Seconds that the job will still take. None: there is nothing to judge by."""
        share = done / steps
        computed, expected = self._computed(share)
        pace = computed / expected if computed and expected else 1.0
        ahead = sum(
            seconds * (pace if stage in _COMPUTING else 1.0) for stage, seconds in self._ahead.items()
        )
        elapsed = self._clock() - self._started
        if share:
            return elapsed / share - elapsed + ahead
        if self._expected:
            return self._expected * (pace if self._stage in _COMPUTING else 1.0) + ahead
        return ahead or None

    def _computed(self, share: float) -> tuple[float, float]:
        """Seconds that computing took so far, and those that were expected for it."""
        if self._stage not in _COMPUTING or not self._expected:
            return self._computed_seconds, self._computed_expected
        elapsed = self._clock() - self._started if share else 0.0
        return self._computed_seconds + elapsed, self._computed_expected + self._expected * share
