"""A scheduler whose clock tests set, and what it finds in the database and the broker."""

import redis
from sqlalchemy import text, update

from jobs import limits
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.queue.claim import claim_next
from jobs.tables import Lease
from scheduler.rounds import Scheduler
from tests.clock import Clock
from tests.conftest import Submit
from tests.jobs.queue.fleet import register

QUEUE = "cpu"


LONG_AGO = text("now() - interval '1 hour'")


def pass_a_lease(scheduler: Scheduler, clock: Clock) -> None:
    """Let the time of a lease pass, with a round in between, so that the scheduler never stood still."""
    clock.seconds += limits.LEASE_SECONDS / 2
    scheduler.round()
    clock.seconds += limits.LEASE_SECONDS / 2


def messages(broker: redis.Redis, queue: str = QUEUE) -> int:
    """How many messages wait for the workers of a queue."""
    return int(broker.llen(queue))


def seen(database: Database, *names: str) -> None:
    with database.begin() as session:
        for name in names:
            register(session, name)


def take(database: Database, worker: str = "w1") -> lifecycle.Claim:
    with database.begin() as session:
        claim = claim_next(session, worker, 30)
    assert claim is not None
    return claim


def running(database: Database, submit: Submit) -> lifecycle.Claim:
    """A job that a worker has claimed."""
    seen(database, "w1")
    submit()
    return take(database)


def expire_leases(database: Database) -> None:
    with database.begin() as session:
        session.execute(update(Lease).values(expires_at=LONG_AGO))
