"""The lease of a running job, kept alive from a thread with a database connection of its own."""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.states import JobState
from worker.interrupts import CancelRequested, LeaseLost
from worker.retry import retry

log = logging.getLogger(__name__)


class Heartbeat:
    """Extends a claim's lease every few seconds, and knows at any moment whether it still holds.

    The lease counts on this machine's monotonic clock from the moment *before* the database was asked for it,
    so it ends here no later than there, whatever the clocks show. A worker that was paused, or cut off from
    the database for a whole lease, therefore stops by itself before another one can have been given the job.
    """

    def __init__(
        self, database: sessionmaker[Session], claim: Claim, settings: Settings, claimed_at: float
    ) -> None:
        """`claimed_at` is `time.monotonic()` from before the claim."""
        self._database = database
        self._claim = claim
        self._beat_seconds = settings.heartbeat_seconds
        self._lease_seconds = settings.lease_seconds
        self._good_until = claimed_at + settings.lease_seconds
        self._state: JobState | None = JobState.RUNNING
        self._beating = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat_until_the_end, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Begin to beat."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop beating; a lease that still holds is left to run out."""
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raise `LeaseLost` or `CancelRequested` if the job must not go on. Costs nothing: asks nobody."""
        self.check_lease()
        if self._state == JobState.CANCELLING:
            raise CancelRequested

    def check_lease(self) -> None:
        """Raise `LeaseLost` if the job is not this worker's any more."""
        if self._state is None or time.monotonic() >= self._good_until:
            raise LeaseLost

    def ask(self) -> None:
        """As `check`, after a beat: the database's own answer, waited for as long as the lease holds."""
        retry(self._beat, on=DATABASE_UNAVAILABLE, check=self.check_lease)
        self.check()

    def _beat_until_the_end(self) -> None:
        while not self._ended.wait(self._beat_seconds):
            try:
                self._beat()
            except SQLAlchemyError as error:
                log.warning("job %s: the heartbeat failed (%s)", self._claim.job_id, type(error).__name__)
            if self._state is None:
                return

    def _beat(self) -> None:
        with self._beating:
            asked_at = time.monotonic()
            with self._database.begin() as session:
                state = lifecycle.extend_lease(session, self._claim, self._lease_seconds)
            self._state = state
            if state is not None:
                self._good_until = asked_at + self._lease_seconds
