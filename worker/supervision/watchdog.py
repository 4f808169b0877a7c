"""Ends what a child does not end by itself: a job that was cancelled, hangs, takes too long, or must be left.

A child looks between two steps whether it must stop. One that is in the middle of a long step, or hangs, does
not: so its parent looks too, and after a grace kills the child and writes the end of the job in its place.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import held_jobs
from jobs.fleet.held_jobs import HeldJob
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.queries import queries
from jobs.settings import Settings
from jobs.states import ENDED, JobState, Loss
from worker import scratch

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 1.0

Ending = Callable[[Session], object]


class Watch:
    """Looks after one worker's child, from a thread of the parent with a database connection of its own."""

    def __init__(
        self,
        settings: Settings,
        database: sessionmaker[Session],
        worker: str,
        children: Callable[[], Iterable[int]],
    ) -> None:
        """`children` gives the ids of the processes that may be running a job of `worker`."""
        self._settings = settings
        self._database = database
        self._worker = worker
        self._children = children
        self._leaving_since: float | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_until_the_end, name="watch", daemon=True)

    def start(self) -> None:
        """Look every second from now on."""
        self._thread.start()

    def leave(self) -> None:
        """The worker shuts down: its job has a little time left to reach the end of its block."""
        self._leaving_since = time.monotonic()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """End the child's job, and the child, if it is time to."""
        with self._database.begin() as session:
            held = held_jobs.held_by(session, self._worker)
            if held is None or self._overdue(held) is None:
                return
        with self._database.begin() as session:
            # Under the lock the child cannot end this job any more, nor have begun another one.
            held = held_jobs.held_by(session, self._worker, lock=True)
            end = None if held is None else self._overdue(held)
            if held is None or end is None:
                return
            self._kill_children()
            end(session)
            standing = queries.standing(session, held.claim.job_id)
        log.warning("job %s: its process was killed in %s", held.claim.job_id, held.stage)
        if standing is not None and standing[0] in ENDED:
            scratch.remove_job(self._settings.work_dir, held.claim.job_id)

    def _overdue(self, held: HeldJob) -> Ending | None:
        """How the job must end now, if it must."""
        claim, limits = held.claim, self._settings
        if held.state == JobState.CANCELLING:
            if held.cancelling_for < limits.cancel_grace_seconds:
                return None
            return lambda session: lifecycle.finish_cancelling(session, claim)
        if self._left_for() >= limits.shutdown_seconds:
            reason = f"the worker shut down; its block was not finished after {limits.shutdown_seconds:.0f} s"
            return lambda session: lifecycle.hand_back(session, claim, reason)
        if held.ran_for >= limits.max_run_seconds:
            error = JobError(
                type="run_time",
                message=f"the job has run for {held.ran_for:.0f} s and {limits.max_run_seconds:.0f} s are "
                "allowed; use fewer samples or a smaller model, or ask the operator for more time",
            )
            return lambda session: lifecycle.fail(session, claim, error)
        if held.silent_for >= limits.stall_seconds:
            reason = (
                f"no progress in the stage {held.stage} for {held.silent_for:.0f} s, and "
                f"{limits.stall_seconds:.0f} s are allowed"
            )
            return lambda session: lifecycle.give_up_lost(
                session, claim.job_id, claim.lease_token, reason, limits.max_losses, Loss.STALLED
            )
        return None

    def _left_for(self) -> float:
        return 0.0 if self._leaving_since is None else time.monotonic() - self._leaving_since

    def _look_until_the_end(self) -> None:
        while not self._ended.wait(_SECONDS_BETWEEN_LOOKS):
            try:
                self.look()
            except SQLAlchemyError as error:
                log.warning("the watch cannot see its job (%s)", type(error).__name__)
                if self._left_for() >= self._settings.shutdown_seconds:
                    self._kill_children()  # the lease runs out, and another worker goes on

    def _kill_children(self) -> None:
        for child in self._children():
            kill_group(child)


def kill_group(process: int) -> None:
    """Kill a process at once, with those that it has started if it leads a group of its own."""
    try:
        if os.getpgid(process) == process:
            os.killpg(process, signal.SIGKILL)
        else:
            os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass
