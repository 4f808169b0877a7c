"""The limits on queued and on running jobs per owner."""

from uuid import UUID

from sqlalchemy import BindParameter, Select, Text, bindparam, func, select
from sqlalchemy.orm import Session

from jobs.states import HELD, JobState
from jobs.tables import Job, OwnerShare

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


def runs_as_many_as_allowed(session: Session, job_id: UUID) -> bool:
    """Whether the owner of a job has a limit on running jobs, and has reached it.

    If not, none of the owner's jobs can be claimed in another transaction before this one ends: so two
    claims at once cannot both be the last one that is allowed.
    """
    limited = session.execute(
        select(OwnerShare.owner, OwnerShare.most_running)
        .join(Job, Job.owner == OwnerShare.owner)
        .where(Job.id == job_id, OwnerShare.most_running.is_not(None))
    ).one_or_none()
    if limited is None:
        return False
    lock = func.pg_advisory_xact_lock(func.hashtextextended(limited.owner, _RUNNING_LOCK))
    session.execute(select(lock))
    running = select(func.count()).where(Job.owner == limited.owner, Job.state.in_(HELD))
    return bool(session.scalars(running).one() >= limited.most_running)
