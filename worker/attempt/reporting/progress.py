"""Reports the progress of a run as events of its job."""

import time
from collections.abc import Callable, Mapping

from jobs.lifecycle.events import EventData, LogMessage, StageFinished, StageStarted, StepFinished
from jobs.monitoring.traces import OpenSpan
from pruning.recipe import Stage
from worker.attempt.memory import held_bytes
from worker.attempt.reporting.log_lines import LogLines
from worker.attempt.reporting.stage_figures import StageFigures
from worker.attempt.reporting.time_left import TimeLeft

_SECONDS_BETWEEN_EVENTS = 1.0


class JobProgress:
    """Implements `pruning.progress.Progress` for one attempt. Every call may raise an `Interrupted`."""

    def __init__(
        self,
        attempt: int,
        *,
        record: Callable[[EventData], None],
        check: Callable[[], None],
        figures: StageFigures,
        lines: LogLines,
    ) -> None:
        """`record` writes an event; `check` raises the reason to stop, if there is one.

        `lines`: of the log, which are recorded between two steps.
        """
        self._attempt = attempt
        self._figures = figures
        self._lines = lines
        self._span: OpenSpan | None = None
        self._record = record
        self._check = check
        self._time_left = TimeLeft({})
        self._reused: set[Stage] = set()
        self._last_step_event = float("-inf")

    def expect(self, seconds_by_stage: Mapping[Stage, float], tokens_by_stage: Mapping[Stage, int]) -> None:
        """Base the time left on an estimate, now that there is one. The tokens are for the figures."""
        self._time_left.expect(seconds_by_stage)
        self._figures.expect(tokens_by_stage)

    def reuse(self, stage: Stage) -> None:
        """Report that an earlier job or attempt has already computed the results of a stage."""
        self._reused.add(stage)
        self._figures.leave_out(stage)
        self.log(f"{stage}: reusing results computed before on the same model and windows")

    def resumed(self, stage: Stage) -> None:
        """Record that a stage continues from what an earlier attempt has finished."""
        self._figures.leave_out(stage)

    def block_finished(self, number: int) -> None:
        """Take note that a block's file of this stage is durable. `number`: as the resume store has it."""
        if (span := self._span) is not None:  # another thread may write blocks
            span.part("block", number=number)

    def stopped(self) -> None:
        """Take note that the stage ends here, whether or not it has finished."""
        if self._span is not None:
            self._span.end()
            self._span = None

    def record_log_lines(self, record: Callable[[EventData], object]) -> None:
        """Record the lines of the log since the last time."""
        for line in self._lines.taken():
            record(LogMessage(attempt=self._attempt, message=line))

    def log(self, message: str) -> None:
        """Write a message for display."""
        self._record(LogMessage(attempt=self._attempt, message=message))

    def stage_started(self, stage: Stage, steps: int) -> None:
        self._time_left.stage_started(stage)
        self._figures.began()
        self.stopped()
        self._span = OpenSpan(f"stage {stage.value}", stage=stage.value)
        if stage in self._reused:
            self._time_left.stage_reused()
        self._record(StageStarted(attempt=self._attempt, stage=stage, steps=steps))

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """Write an event, but at most one per second before the last step: small models step far faster."""
        self._check()
        self._figures.stepped(stage, done, steps)
        if done < steps and time.monotonic() - self._last_step_event < _SECONDS_BETWEEN_EVENTS:
            return
        self._last_step_event = time.monotonic()
        self._figures.memory()
        if self._span is not None:
            self._span.part("steps", step=done, steps=steps)
        self.record_log_lines(self._record)
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
        self.record_log_lines(self._record)
        self._figures.ended(stage, seconds)
        self.stopped()
        self._figures.memory()
        self._record(
            StageFinished(
                attempt=self._attempt, stage=stage, seconds=seconds, peak_memory_bytes=peak_memory_bytes
            )
        )
