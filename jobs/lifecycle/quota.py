"""How much one owner may have waiting."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.states import JobState
from jobs.tables import Job

_LOCK = 0x7175657565  # tells these advisory locks from others on the same owner


class QueueFull(Exception):
    """The owner has as many queued jobs as one may have."""

    def __init__(self, queued: int, allowed: int) -> None:
        """Keep both numbers for the message to the caller."""
        super().__init__(f"{queued} jobs are queued and {allowed} may be")
        self.queued = queued
        self.allowed = allowed


def take_place_in_queue(session: Session, owner: str, allowed: int | None) -> None:
    """Raise `QueueFull` unless one more job of the owner's may be queued by this transaction.

    Transactions of one owner pass here one after the other, so that two of them cannot take the last place.
    """
    if allowed is None:
        return
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(owner, _LOCK))))
    queued = session.scalars(
        select(func.count()).where(Job.owner == owner, Job.state == JobState.QUEUED)
    ).one()
    if queued >= allowed:
        raise QueueFull(queued, allowed)
