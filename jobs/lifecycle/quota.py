"""The limits on queued and on running jobs per owner."""

from sqlalchemy import BindParameter, Select, Text, bindparam, func, select
from sqlalchemy.orm import Session

from jobs.states import JobState
from jobs.tables import Job

# They distinguish these advisory locks from others on the same owner.
_LOCK = 0x7175657565
_RUNNING_LOCK = 0x72756E6E67

_LOCK_QUEUE = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("owner", type_=Text), _LOCK)))


class QueueFull(Exception):
    """The owner already has as many queued jobs as are allowed."""

    def __init__(self, queued: int, allowed: int) -> None:
        """Keep both numbers for the message to the caller."""
        super().__init__(f"{queued} jobs are queued, and {allowed} are allowed")
        self.queued = queued
        self.allowed = allowed


def take_place_in_queue(session: Session, owner: str, allowed: int | None) -> None:
    """Raise `QueueFull` unless this transaction may queue one more job of the owner.

    An advisory lock serialises the transactions of one owner, so that two of them cannot take the last place.
    """
    if allowed is None:
        return
    lock_queue(session, owner)
    queued = session.scalars(queued_jobs(owner)).one()
    if queued >= allowed:
        raise QueueFull(queued, allowed)


def lock_queue(session: Session, owner: str) -> None:
    """Let no other transaction queue jobs of the owner, where a limit counts them, before this one ends."""
    session.connection().execute(_LOCK_QUEUE, {"owner": owner})


def queued_jobs(owner: str | BindParameter[str]) -> Select[int]:
    """Return the query for how many jobs of the owner are queued."""
    return select(func.count().label("jobs")).where(Job.owner == owner, Job.state == JobState.QUEUED)
