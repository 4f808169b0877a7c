"""A worker that helps another with the gradients of its job: one lane after the other, each under a lease."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE
from jobs.fleet import dispatch_queue, machines, placing, quarantine
from jobs.lifecycle import lanes
from jobs.lifecycle.events import EventData
from jobs.lifecycle.lanes import LaneClaim
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.states import JobState
from jobs.storage.store import Store
from worker import scratch
from worker.attempt.attempt import Attempt
from worker.attempt.heartbeat import Heartbeat
from worker.attempt.resume_store import JobResumeStore
from worker.identity import Identity
from worker.interrupts import LeaseLost
from worker.retry import retry

_TIMEOUT_SECONDS = 60.0


class CoworkerAttempt(Attempt):
    """The part of a job's attempt that computes lanes elsewhere. It records no events of the job."""

    claim: LaneClaim
    progressed_at: float

    def scratch(self) -> AbstractContextManager[Path]:
        """A directory of the lane's own: the job's own worker may have the same work directory."""
        return scratch.of_lane(self.settings.work_dir, self.claim.job_id, self.claim.lease_token)

    def record(self, event: EventData) -> None:
        """Take note that there is progress. The job's own worker tells how far the job is."""
        self.progressed_at = time.monotonic()

    def tell_of_store(self, write: Callable[[Session, Claim], bool]) -> None:
        """Do nothing: the job's own worker does not wait for this one's transfers."""


class LaneStore(JobResumeStore):
    """The job's resume store, for a worker that holds one of its lanes.

    Its shards have keys of its own: one that has lost its lane and still sends must not write to a file that
    whoever has the lane now has recorded.
    """

    _keep: ClassVar[Callable[..., bool]] = staticmethod(lanes.keep)

    @property
    def _prefix(self) -> str:
        return f"{super()._prefix}/{self._attempt.claim.lease_token}"


class OfferedJobLanes:
    """Takes lanes of a running job while this worker has nothing else to do.

    It implements `pruning.lanes.helping.OfferedLanes`; its methods raise an `Interrupted` as soon as it must
    stop. The first lane is held before the model is read.
    """

    def __init__(self, attempt: CoworkerAttempt) -> None:
        self._attempt = attempt
        self._next: int | None = attempt.claim.lane

    @property
    def numerics_key(self) -> Mapping[str, Any]:
        return self._attempt.claim.numerics_key

    def take(self) -> int | None:
        return self._next

    def finish(self, lane: int) -> None:
        """End a lane and take the next one, unless a job waits for this worker."""
        attempt, settings = self._attempt, self._attempt.settings

        def finish(session: Session) -> LaneClaim | None:
            if not lanes.finish(session, attempt.claim):
                raise LeaseLost
            if not is_free(session, attempt.worker):
                return None
            return lanes.take(
                session, attempt.claim.job_id, attempt.worker.name, settings.lease_seconds, attempt.claim
            )

        following = attempt.transaction(finish)
        self._next = None if following is None else following.lane
        if following is not None:
            attempt.claim = following


def is_free(session: Session, worker: Identity) -> bool:
    """Whether nothing waits for a worker that takes jobs."""
    return dispatch_queue.takes_jobs(session, worker.name) and not dispatch_queue.can_be_taken(
        session, worker.queue, machines.capacity_of(session, worker.name)
    )


def held_lane(
    job_id: UUID, settings: Settings, worker: Identity, database: sessionmaker[Session]
) -> CoworkerAttempt | None:
    """Take a lane of a running job. None: there is none, or none for this worker."""

    def take() -> tuple[LaneClaim | None, float]:
        asked_at = time.monotonic()
        with database.begin() as session:
            may = (
                is_free(session, worker)
                and not quarantine.leaves_to_another(session, worker.name, job_id, settings.lease_seconds)
                and placing.fits_worker(session, job_id, worker.name)
            )
            claim = lanes.take(session, job_id, worker.name, settings.lease_seconds) if may else None
            return claim, asked_at

    claim, asked_at = retry(take, on=DATABASE_UNAVAILABLE, check=worker.check, timeout=_TIMEOUT_SECONDS)
    if claim is None:
        return None

    def extend(session: Session, lease_seconds: float) -> JobState | None:
        """Extend the lease, unless this worker hangs: then another one gets the lane."""
        if time.monotonic() - attempt.progressed_at > settings.stall_seconds:
            return None
        return lanes.extend(session, attempt.claim, lease_seconds)

    attempt = CoworkerAttempt(
        claim,
        Heartbeat(database, claim, settings, asked_at, extend=extend),
        settings=settings,
        worker=worker,
        database=database,
        store=Store(settings.store_url),
    )
    attempt.progressed_at = asked_at
    return attempt
