"""The beginning of an attempt: connections, then the claim."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE, connection_name, engine_from, sessions
from jobs.fleet import placing, quarantine, steering
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.storage.store import Store
from worker.attempt.attempt import Attempt
from worker.attempt.heartbeat import Heartbeat
from worker.identity import Identity
from worker.interrupts import ShutdownRequested
from worker.retry import retry

log = logging.getLogger(__name__)

_CLAIM_TIMEOUT_SECONDS = 60.0
_ASIDE_SECONDS = 10.0
_SECONDS_BETWEEN_LOOKS = 0.25


@contextmanager
def claimed(job_id: UUID, settings: Settings, worker: Identity) -> Iterator[Attempt | None]:
    """Claim a queued job. Yield its attempt, or None if this worker does not run it.

    That is so if it is not queued, is left to another worker, or the worker is shutting down.
    """
    with connected(settings, worker) as database:
        store = Store(settings.store_url)
        try:
            claim, asked_at, refused = _claim(database, job_id, settings, worker)
        except ShutdownRequested:
            log.info("job %s: not claimed, the worker is shutting down", job_id)
            yield None
            return
        if claim is None:
            log.info("job %s: nothing to do, it is not queued, or left to another worker", job_id)
            if refused:
                _stand_aside(database, job_id, settings, worker)
            yield None
            return
        heartbeat = Heartbeat(database, claim, settings, asked_at)
        yield Attempt(claim, heartbeat, settings=settings, worker=worker, database=database, store=store)


def _claim(
    database: sessionmaker[Session], job_id: UUID, settings: Settings, worker: Identity
) -> tuple[Claim | None, float, bool]:
    """Return the claim, the moment on the monotonic clock from which its lease counts, and a refusal.

    Whether this worker refuses the job, because it has less than that needs.
    """

    def claim() -> tuple[Claim | None, float, bool]:
        asked_at = time.monotonic()
        with database.begin() as session:
            if quarantine.leaves_to_another(session, worker.name, job_id, settings.lease_seconds):
                quarantine.put_back(session, job_id)
                return None, asked_at, False
            if not placing.fits_worker(session, job_id, worker.name):
                placing.refuse(session, job_id)
                return None, asked_at, True
            claimed = lifecycle.claim(session, job_id, worker.name, settings.lease_seconds)
            if claimed is not None and worker.one_job:
                steering.took_its_only_job(session, worker.name, job_id)
            return claimed, asked_at, False

    return retry(claim, on=DATABASE_UNAVAILABLE, check=worker.check, timeout=_CLAIM_TIMEOUT_SECONDS)


def _stand_aside(database: sessionmaker[Session], job_id: UUID, settings: Settings, worker: Identity) -> None:
    """Take no message while a job that was refused waits for another worker of its class, which is idle.

    They all take messages from one queue. The next one of this job would come here again, and again.
    """
    until = time.monotonic() + _ASIDE_SECONDS
    with suppress(*DATABASE_UNAVAILABLE):
        while time.monotonic() < until and not worker.shutdown_flag.exists():
            with database.begin() as session:
                if not placing.waits_for_another(session, job_id, worker.name, settings.lease_seconds):
                    return
            time.sleep(_SECONDS_BETWEEN_LOOKS)


@contextmanager
def connected(settings: Settings, worker: Identity) -> Iterator[sessionmaker[Session]]:
    """Connect to the database for one attempt."""
    # One connection is kept. The heartbeat, and what is written beside the computation, open another one
    # while it is in use: they must not wait for the run.
    name = connection_name("job", worker.name)
    engine = engine_from(settings, name=name, pool_size=1, max_overflow=2)
    try:
        yield sessions(engine)
    finally:
        engine.dispose()
