"""Reports the progress of a run as events of its job."""

import time
from collections.abc import Callable, Mapping

from jobs.lifecycle.events import EventData, LogMessage, StageFinished, StageStarted, StepFinished
from pruning.recipe import Stage
from worker.attempt.memory import held_bytes
from worker.attempt.time_left import TimeLeft

_SECONDS_BETWEEN_EVENTS = 1.0


class JobProgress:
    """Implements `pruning.progress.Progress` for one attempt. Every call may raise an `Interrupted`."""

    def __init__(
        self, attempt: int, *, record: Callable[[EventData], None], check: Callable[[], None]
    ) -> None:
        """`record` writes an event; `check` raises the reason to stop, if there is one."""
        self._attempt = attempt
        self._record = record
        self._check = check
        self._time_left = TimeLeft({})
        self._reused: set[Stage] = set()
        self._last_step_event = float("-inf")

    def expect(self, seconds_by_stage: Mapping[Stage, float]) -> None:
        """Base the time left on an estimate, now that there is one."""
        self._time_left.expect(seconds_by_stage)

    def reuse(self, stage: Stage) -> None:
        """Report that an earlier job or attempt has already computed the results of a stage."""
        self._reused.add(stage)
        self.log(f"{stage}: reusing results computed before on the same model and windows")

    def log(self, message: str) -> None:
        """Write a message for people."""
        self._record(LogMessage(attempt=self._attempt, message=message))

    def stage_started(self, stage: Stage, steps: int) -> None:
        self._time_left.stage_started(stage)
        if stage in self._reused:
            self._time_left.stage_reused()
        self._record(StageStarted(attempt=self._attempt, stage=stage, steps=steps))

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """Write an event, but at most one per second before the last step: small models step far faster."""
        self._check()
        if done < steps and time.monotonic() - self._last_step_event < _SECONDS_BETWEEN_EVENTS:
            return
        self._last_step_event = time.monotonic()
        self._record(
            StepFinished(
                attempt=self._attempt,
                stage=stage,
                step=done,
                steps=steps,
                seconds_left=self._time_left.after_step(done, steps),
                memory_bytes=held_bytes(),
            )
        )

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        self._time_left.stage_finished()
        self._record(
            StageFinished(
                attempt=self._attempt, stage=stage, seconds=seconds, peak_memory_bytes=peak_memory_bytes
            )
        )
