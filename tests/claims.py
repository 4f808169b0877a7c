"""Jobs that a worker holds, which tests claim by name, locks that others wait for, and a lost database."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.tables import Job
from tests.eventually import eventually


def claimed(session: Session, job_id: UUID, worker: str = "w1", lease_seconds: float = 30) -> Claim:
    """Claim a queued job in this transaction."""
    claim = lifecycle.claim(session, job_id, worker, lease_seconds)
    assert claim is not None
    return claim


def take(database: Database, job_id: UUID, worker: str = "w1", lease_seconds: float = 30) -> Claim:
    """Claim a queued job in a transaction of its own."""
    with database.begin() as session:
        return claimed(session, job_id, worker, lease_seconds)


def is_blocked(database: Database) -> bool:
    """Whether a connection waits for a lock."""
    blocked = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with database.begin() as session:
        return session.scalars(blocked).one() > 0


def wait_until_blocked(database: Database) -> None:
    """Return once a connection waits for a lock."""
    eventually(lambda: is_blocked(database))


def job(database: Database, job_id: UUID) -> Job:
    with database.begin() as session:
        return session.get_one(Job, job_id)


def unavailable(*anything: object) -> None:
    """Fail as a query does whose database has gone away."""
    raise OperationalError("SELECT", {}, Exception("terminating connection due to administrator command"))
