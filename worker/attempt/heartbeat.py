"""Keeps the lease of a running job alive, from a thread of its own."""

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError

from jobs import limits
from jobs.clock import boot_time
from jobs.database import DATABASE_UNAVAILABLE, Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.states import JobState
from worker.interrupts import CancelRequested, LeaseLost
from worker.retry import retry

log = logging.getLogger(__name__)


class Heartbeat:
    """Extends the lease of a claim every few seconds, and knows at any moment whether it still holds.

    The lease is measured on this machine's clock since its start, from *before* each request to extend it. So
    it ends here no later than in the database, whatever the wall clocks show: a worker that was suspended, or
    cut off from the database for a whole lease, stops before another worker can have been given the job.
    """

    def __init__(
        self,
        database: Database,
        claim: Claim,
        claimed_at: float,
        on_extended: Callable[[float], object] = lambda ends_at: None,
    ) -> None:
        """`claimed_at`: `boot_time()` from before the claim.

        `on_extended` is called with the end of the lease, on the same clock, each time it is extended.
        """
        self._on_extended = on_extended
        self._database = database
        self._claim = claim
        self._beat_seconds = limits.HEARTBEAT_SECONDS
        self._lease_seconds = limits.LEASE_SECONDS
        self._lease_ends_at = claimed_at + limits.LEASE_SECONDS
        self._state: JobState | None = JobState.RUNNING
        self._beat_lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_stopped, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the heartbeat. A lease that still holds is left to expire."""
        self._stopped.set()
        self._thread.join()

    def check(self) -> None:
        """Raise `LeaseLost` or `CancelRequested` if the job must not go on. Makes no query."""
        self.check_lease()
        if self._state == JobState.CANCELLING:
            raise CancelRequested

    def check_lease(self) -> None:
        """Raise `LeaseLost` if this worker no longer holds the job."""
        if self._state is None or boot_time() >= self._lease_ends_at:
            raise LeaseLost

    def ask(self) -> None:
        """Like `check`, but after a heartbeat, which is retried while the lease holds."""
        retry(self._beat, on=DATABASE_UNAVAILABLE, check=self.check_lease)
        self.check()

    def _beat_until_stopped(self) -> None:
        while not self._stopped.wait(self._beat_seconds):
            try:
                self._beat()
            except SQLAlchemyError as error:
                log.warning("job %s: heartbeat failed (%s)", self._claim.job_id, type(error).__name__)
            if self._state is None:
                return

    def _beat(self) -> None:
        with self._beat_lock:
            asked_at = boot_time()
            with self._database.begin() as session:
                state = lifecycle.extend_lease(session, self._claim, self._lease_seconds)
            self._state = state
            if state is not None:
                self._lease_ends_at = asked_at + self._lease_seconds
                self._on_extended(self._lease_ends_at)
