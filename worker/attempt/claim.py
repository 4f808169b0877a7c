"""The beginning of an attempt: connections, then the claim."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from jobs import limits
from jobs.database import DATABASE_UNAVAILABLE, connection_name, engine_from, sessions
from jobs.lifecycle.lifecycle import Claim
from jobs.queue.claim import claim_next
from jobs.retry import retry
from jobs.settings import Settings
from jobs.storage.store import Store
from worker.attempt.attempt import Attempt
from worker.attempt.heartbeat import Heartbeat
from worker.holding import Holding
from worker.identity import Identity
from worker.interrupts import ShutdownRequested

log = logging.getLogger(__name__)

_CLAIM_TIMEOUT_SECONDS = 60.0


@contextmanager
def claimed(settings: Settings, worker: Identity, task_id: str) -> Iterator[Attempt | None]:
    """Claim the next job. Yield its attempt, or None if there is none for this worker, or it shuts down.

    `task_id`: the Celery task that runs it, by which the worker's parent knows what is held.
    """
    with connected(settings, worker) as database:
        store = Store(settings.store_url)
        path = worker.holdings / f"{task_id}.json"
        try:
            found = _claim(database, worker, path)
        except ShutdownRequested:
            log.info("no job is claimed, the worker is shutting down")
            yield None
            return
        if found is None:
            log.info("there is no job for this worker")
            yield None
            return
        claim, holding = found
        heartbeat = Heartbeat(database, claim, holding.lease_ends_at - limits.LEASE_SECONDS, holding.extended)
        try:
            yield Attempt(claim, heartbeat, settings=settings, worker=worker, database=database, store=store)
        finally:
            holding.remove()


def _claim(database: sessionmaker[Session], worker: Identity, path: Path) -> tuple[Claim, Holding] | None:
    """Return the claim and its record for the parent: a lease that counts from before the claim."""

    def claim() -> tuple[Claim, Holding] | None:
        asked_at = time.monotonic()
        with database.begin() as session:
            found = claim_next(session, worker.name, limits.LEASE_SECONDS)
            if found is None:
                return None
            ends_at = asked_at + limits.LEASE_SECONDS
            holding = Holding(path, found.job_id, found.attempt, found.lease_token, ends_at)
            holding.write()
        return found, holding

    return retry(claim, on=DATABASE_UNAVAILABLE, check=worker.check, timeout=_CLAIM_TIMEOUT_SECONDS)


@contextmanager
def connected(settings: Settings, worker: Identity) -> Iterator[sessionmaker[Session]]:
    """Connect to the database for one attempt."""
    # One connection is kept. The heartbeat, and what is written next to the computation, open another one
    # while it is in use: they must not wait for the run.
    name = connection_name("job", worker.name)
    engine = engine_from(settings, name=name, pool_size=1, max_overflow=2)
    try:
        yield sessions(engine)
    finally:
        engine.dispose()
