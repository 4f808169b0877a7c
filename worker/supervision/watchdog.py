"""Kills a child whose job was cancelled, hangs, runs too long, takes too much memory, or is returned.

A child checks between two steps whether it must stop. One that hangs, or is in the middle of a long step,
does not. So its parent checks as well, and after a grace period kills the child and ends the job in its
place. A child that is still in a job which its worker has lost is killed as well; the job is then another's
to end.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import limits, queries
from jobs.clock import boot_time
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.queue import conditions, held_jobs, shortage
from jobs.queue.held_jobs import HeldJob
from jobs.settings import Settings
from jobs.states import ENDED, Cause, JobState, LostAttempt
from pruning.byte_size import byte_size
from pruning.runtime.process_memory import held_memory
from worker import identity, scratch
from worker.capacity import memory_limit
from worker.identity import HeldClaim, Identity
from worker.supervision.child_memory import IdleKills, MemoryUse

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_CHECKS = 1.0
_MEMORY_CHECKS = 4  # between two checks of the job: memory can grow by gigabytes a second
# A killed child is replaced, and the new one may run another job: from then on no job is blamed any more.
_SECONDS_TO_BLAME = 2.0

Verdict = Callable[[Session], object]
"""The transition by which an overdue job ends or returns to the queue."""


class Watchdog:
    """Supervises one worker's child, from a thread of the parent with a database connection of its own."""

    def __init__(
        self, settings: Settings, database: Database, worker: Identity, children: Callable[[], Iterable[int]]
    ) -> None:
        """`children` returns the ids of the processes that may be running a job of `worker`."""
        self._settings = settings
        self._database = database
        self._worker = worker.name
        self._claims_directory = worker.claims_directory
        self._children = children
        self._allowed_memory = memory_limit(settings)
        self._idle_kills = IdleKills(self._allowed_memory, limits.QUARANTINE_SECONDS)
        self._held: UUID | None = None  # the lease token of the job that the database named last
        self._answered_at = 0.0  # when it did, on the clock of `boot_time`
        self._killed_in: UUID | None = None  # the lease token of the last lost job with a child in it
        self._shutdown_since: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._check_until_stopped, name="watchdog", daemon=True)

    def start(self) -> None:
        """Check every second from now on."""
        self._thread.start()

    def shutdown_started(self) -> None:
        """From now on the job has `shutdown_seconds` left to finish its block and be handed back."""
        self._shutdown_since = time.monotonic()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def fault(self) -> str | None:
        """Return why this worker's children can run no job, or None."""
        return self._idle_kills.fault(time.monotonic())

    def memory(self) -> MemoryUse:
        """Return what the child with most holds, with its processes, and what it may."""
        return MemoryUse(max(map(held_memory, self._children()), default=0), self._allowed_memory)

    def replace_idle_children(self) -> None:
        """End the children, unless one of them runs a job. Celery starts new ones."""
        with self._database.begin() as session:
            held = held_jobs.held_by(session, self._worker)
        if held is None:
            self._kill_children()

    def check(self) -> None:
        """Kill the child and end its job, if the job is overdue, or kill it in a job that is lost."""
        overdue = self._overdue()
        try:
            with self._database.begin() as session:
                held = held_jobs.held_by(session, self._worker)
            self._held = None if held is None else held.claim.lease_token
            self._answered_at = boot_time()
        finally:  # whether or not the database answers
            # A full disk keeps extensions from being recorded: the last answer holds for a lease.
            is_recent = boot_time() - self._answered_at < limits.LEASE_SECONDS
            for lost in overdue:
                if not (is_recent and lost.lease_token == self._held):
                    self._kill_in_lost_job(lost)
        if held is None:
            if self._is_shutdown_over():
                self._kill_idle_children()
            return
        self._idle_kills.record_job()
        if self._verdict(held) is None:
            return
        with self._database.begin() as session:
            # Under the lock the child can neither end this job any more nor have begun another one.
            held = held_jobs.held_by(session, self._worker, lock=True)
            verdict = None if held is None else self._verdict(held)
            if held is None or verdict is None:
                return
            self._kill_children()
            verdict(session)
        log.warning("job %s: its process was killed in the stage %s", held.claim.job_id, held.stage)
        self._clean_if_ended(held.claim.job_id, held.claim.attempt)

    def _kill_idle_children(self) -> None:
        """Kill children that have no job: Celery waits for them, and a file system may never answer them."""
        with self._database.begin() as session:
            conditions.lock_claims(session)  # one may be about to claim a job
            if held_jobs.held_by(session, self._worker) is None:
                self._kill_children()

    def _overdue(self) -> list[HeldClaim]:
        """Return what children hold whose lease has ended a lease's time ago: they should have left it."""
        seconds = limits.LEASE_SECONDS
        return [held for held in identity.held_claims(self._claims_directory) if held.is_overdue(seconds)]

    def _kill_in_lost_job(self, lost: HeldClaim) -> None:
        """Kill a child that does not leave a job which is no longer this worker's. Its row is left alone."""
        # The child that comes next has nothing to do with it, even where a read-only disk keeps the record.
        if lost.lease_token != self._killed_in:
            self._kill_children()
            self._killed_in = lost.lease_token
            log.warning("job %s: its process was killed, long after this worker had lost it", lost.job_id)
        lost.remove()
        with suppress(SQLAlchemyError):
            self._clean_if_ended(lost.job_id, lost.attempt)

    def _clean_if_ended(self, job_id: UUID, attempt: int) -> None:
        with self._database.begin() as session:
            status = queries.status_of(session, job_id)
        if status is not None and status.state in ENDED:
            scratch.remove_attempt(self._settings.work_dir, job_id, attempt)

    def check_memory(self) -> None:
        """Kill a child that holds more memory than is allowed.

        Its job waits for a worker that may hold more.

        Without a job it counts as a fault of this worker: see `fault`.
        """
        held_bytes = self.memory().held
        if held_bytes <= self._allowed_memory:
            return
        claims = identity.held_claims(self._claims_directory)
        for found in claims:
            found.remove()  # or the parent, which hears of the death, could take the job back as a lost one
        killed_at = time.monotonic()
        self._kill_children()
        log.warning(
            "a child was killed: it held %d bytes, and %d are allowed (PRUNESERVE_JOB_MEMORY_BYTES)",
            held_bytes,
            self._allowed_memory,
        )
        with self._database.begin() as session:
            held = held_jobs.held_by(session, self._worker, lock=True)
            if time.monotonic() - killed_at > _SECONDS_TO_BLAME:
                return
            if held is None:
                if not claims:  # else it was in a job that is lost
                    self._idle_kills.record_kill(held_bytes, killed_at)
                return
            self._idle_kills.record_job()
            self._too_much_memory(held, held_bytes)(session)
        log.warning("job %s: its process was killed, it held %d bytes", held.claim.job_id, held_bytes)
        scratch.remove_attempt(self._settings.work_dir, held.claim.job_id, held.claim.attempt)

    def _too_much_memory(self, held: HeldJob, held_bytes: int) -> Verdict:
        if held.state == JobState.CANCELLING:
            return lambda session: lifecycle.finish_cancelling(session, held.claim)
        error = JobError(
            type="memory_limit",
            message=f"the job held {byte_size(held_bytes)} of the worker's memory in the stage {held.stage}, "
            f"and {byte_size(self._allowed_memory)} are allowed (PRUNESERVE_JOB_MEMORY_BYTES); use a shorter "
            "sequence_length, fewer samples or a smaller model, or ask the operator for more",
            cause=Cause.REQUEST,
        )
        return partial(
            shortage.requeue_out_of_memory, claim=held.claim, worker=self._worker, error=error, of_host=True
        )

    def _verdict(self, held: HeldJob) -> Verdict | None:
        """Return how the job must end now, or None if it may go on."""
        if held.state == JobState.CANCELLING:
            return self._if_cancelled_too_long(held)
        return self._if_shut_down_too_long(held) or self._if_run_too_long(held) or self._if_stalled(held)

    def _if_cancelled_too_long(self, held: HeldJob) -> Verdict | None:
        if held.cancelling_for < limits.CANCEL_GRACE_SECONDS:
            return None
        return lambda session: lifecycle.finish_cancelling(session, held.claim)

    def _if_shut_down_too_long(self, held: HeldJob) -> Verdict | None:
        if not self._is_shutdown_over():
            return None
        allowed = self._settings.shutdown_seconds
        reason = f"the worker shut down; its block was not finished after {allowed:.0f} s"
        return lambda session: lifecycle.hand_back(session, held.claim, reason)

    def _if_run_too_long(self, held: HeldJob) -> Verdict | None:
        own = held.claim.stored_spec.get("timeout_seconds")
        if own is not None and own < limits.MAX_RUN_SECONDS and held.ran_for >= own:
            error = JobError(
                type="timeout",
                message=f"the job has run for {held.ran_for:.0f} s, and its timeout_seconds are {own:.0f}",
                field="timeout_seconds",
                cause=Cause.REQUEST,
            )
            return lambda session: lifecycle.fail(session, held.claim, error)
        allowed = limits.MAX_RUN_SECONDS
        if held.ran_for < allowed:
            return None
        error = JobError(
            type="run_time",
            message=f"the job has run for {held.ran_for:.0f} s and {allowed:.0f} s are "
            "allowed; use fewer samples or a smaller model",
            cause=Cause.REQUEST,
        )
        return lambda session: lifecycle.fail(session, held.claim, error)

    def _if_stalled(self, held: HeldJob) -> Verdict | None:
        claim, allowed = held.claim, limits.STALL_SECONDS
        if held.stalled_for < allowed:
            return None
        stalled = f"no progress in the stage {held.stage} for {held.stalled_for:.0f} s"
        reason = f"{stalled}, and {allowed:.0f} s are allowed"
        return lambda session: lifecycle.take_back(
            session,
            claim.job_id,
            claim.lease_token,
            reason,
            limits.MAX_LOST_ATTEMPTS,
            LostAttempt.STALLED,
        )

    def _is_shutdown_over(self) -> bool:
        since, allowed = self._shutdown_since, self._settings.shutdown_seconds
        return since is not None and time.monotonic() - since >= allowed

    def _check_until_stopped(self) -> None:
        checks = 0
        while not self._stopped.wait(_SECONDS_BETWEEN_CHECKS / _MEMORY_CHECKS):
            checks += 1
            try:
                self.check_memory()
                if checks % _MEMORY_CHECKS == 0:
                    self.check()
            except (SQLAlchemyError, OSError) as error:  # the thread must go on: nothing else kills a child
                log.warning("the watchdog cannot read its job (%s)", type(error).__name__)
                if self._is_shutdown_over():
                    self._kill_children()  # the lease expires, and another worker resumes the job

    def _kill_children(self) -> None:
        for child in self._children():
            kill_group(child)


def kill_group(process: int) -> None:
    """Kill a process at once, together with its process group if it leads one."""
    try:
        if os.getpgid(process) == process:
            os.killpg(process, signal.SIGKILL)
        else:
            os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass
