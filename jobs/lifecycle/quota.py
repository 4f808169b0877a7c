"""The limit on queued jobs per owner."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.states import JobState
from jobs.tables import Job

_LOCK = 0x7175657565  # distinguishes this advisory lock from others on the same owner


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
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(owner, _LOCK))))
    queued = session.scalars(
        select(func.count()).where(Job.owner == owner, Job.state == JobState.QUEUED)
    ).one()
    if queued >= allowed:
        raise QueueFull(queued, allowed)
