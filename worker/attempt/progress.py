"""A run's progress, as events that people can follow, and the place where a run learns that it must stop."""

import time

from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE
from jobs.fleet import machines
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import EventData, LogMessage, StageFinished, StageStarted, StepFinished
from jobs.lifecycle.lifecycle import Claim
from jobs.spec.job import JobSpec
from pruning.estimate import Estimate, Machine, ModelShape
from pruning.recipe import Stage
from worker.attempt.disk import Disk
from worker.attempt.heartbeat import Heartbeat
from worker.attempt.memory import held_bytes
from worker.attempt.time_left import TimeLeft
from worker.identity import Identity
from worker.retry import retry

_SECONDS_BETWEEN_EVENTS = 1.0


class JobProgress:
    """Implements `pruning.progress.Progress` for one attempt: every call may raise a `Stopped`."""

    def __init__(
        self,
        database: sessionmaker[Session],
        claim: Claim,
        heartbeat: Heartbeat,
        worker: Identity,
        disk: Disk,
    ) -> None:
        """What is needed to write an event, and to learn that there must be no more of them."""
        self._database = database
        self._claim = claim
        self._heartbeat = heartbeat
        self._worker = worker
        self._disk = disk
        self._time_left = TimeLeft({})
        self._reused: set[Stage] = set()
        self._told_at = float("-inf")

    def expect(self, spec: JobSpec, shape: ModelShape) -> None:
        """Judge the time left by an estimate, now that the model is known."""

        def machine() -> Machine:
            with self._database.begin() as session:
                return machines.of_worker(session, self._worker.name)

        found = retry(machine, on=DATABASE_UNAVAILABLE, check=self.check)
        estimate = Estimate.of(spec.recipe, spec.evaluation, shape, found, save_masks=spec.save_masks)
        self._time_left.expect(estimate.seconds_by_stage)

    def reuses(self, stage: Stage) -> None:
        """What the stage would compute was computed by an earlier job, or attempt: tell it."""
        self._reused.add(stage)
        self.log(f"{stage}: computed before on the same model and windows, and taken from there")

    def log(self, message: str) -> None:
        """Tell something that people want to read."""
        self._record(LogMessage(attempt=self._claim.attempt, message=message))

    def check(self) -> None:
        """Raise the reason to stop, if there is one."""
        self._heartbeat.check()
        self._worker.check()
        self._disk.check()

    def ask(self) -> None:
        """As `check`, after having asked the database whose the job is."""
        self._heartbeat.ask()

    def stage_started(self, stage: Stage, steps: int) -> None:
        """Tell it."""
        self._time_left.stage_started(stage)
        if stage in self._reused:
            self._time_left.stage_reused()
        self._record(StageStarted(attempt=self._claim.attempt, stage=stage, steps=steps))

    def step_finished(self, stage: Stage, done: int, steps: int) -> None:
        """Tell it, if the last such event is not too fresh: small models take many steps a second."""
        self.check()
        if done < steps and time.monotonic() - self._told_at < _SECONDS_BETWEEN_EVENTS:
            return
        self._told_at = time.monotonic()
        left = self._time_left.after_step(done, steps)
        self._record(
            StepFinished(
                attempt=self._claim.attempt,
                stage=stage,
                step=done,
                steps=steps,
                seconds_left=left,
                memory_bytes=held_bytes(),
            )
        )

    def stage_finished(self, stage: Stage, seconds: float, peak_memory_bytes: int) -> None:
        """Tell what it cost."""
        self._time_left.stage_finished()
        self._record(
            StageFinished(
                attempt=self._claim.attempt,
                stage=stage,
                seconds=seconds,
                peak_memory_bytes=peak_memory_bytes,
            )
        )

    def _record(self, event: EventData) -> None:
        """Write an event, however long the database is away, as long as the lease holds."""
        if not retry(lambda: self._write(event), on=DATABASE_UNAVAILABLE, check=self.check):
            self._heartbeat.ask()  # it knows why the job is not running here any more

    def _write(self, event: EventData) -> bool:
        with self._database.begin() as session:
            return lifecycle.record(session, self._claim, event)
