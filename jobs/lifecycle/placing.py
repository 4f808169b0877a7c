"""The placement of a queued job: into the queue of a class of workers, or nowhere for now.

Each is a guarded UPDATE of the queued job's row. People are told by an event when a job fits nowhere, and
when it does later; that a job waits in the queue of its class is nothing to tell.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, null, update
from sqlalchemy.orm import Session

from jobs.hints import hints
from jobs.lifecycle import event_log
from jobs.lifecycle.events import LogMessage
from jobs.placement.classes import UNPLACED
from jobs.states import JobState, PlacementState
from jobs.tables import NOW, Job

_QUEUED = Job.state == JobState.QUEUED


def sized(session: Session, job_id: UUID, needs: dict[str, Any] | None) -> None:
    """Record what a queued job needs, or that it cannot be known before a worker has the model."""
    changed = session.scalar(
        update(Job)
        .where(Job.id == job_id, _QUEUED, Job.placement == PlacementState.UNSIZED)
        .values(needs=null() if needs is None else needs, placement=PlacementState.SIZED)
        .returning(Job.id)
    )
    if changed is not None:  # else another dispatcher has done it, and told
        hints.give(session, hints.DISPATCH)


def place(session: Session, job_ids: Collection[UUID], queue: str) -> None:
    """Put queued jobs into the queue of a class. They are published there, wherever they were before."""
    session.execute(
        update(Job)
        .where(Job.id.in_(job_ids), _QUEUED)
        .values(queue=queue, placement=PlacementState.PLACED, dispatched_at=None, unschedulable_since=None)
    )


def lend(session: Session, job_ids: Collection[UUID], queue: str) -> None:
    """Put queued jobs into the queue of a larger class, which has nothing of its own to do."""
    session.execute(update(Job).where(Job.id.in_(job_ids), _QUEUED).values(queue=queue))
    for job_id in job_ids:
        tell(session, job_id, f"class {queue} takes the job: nothing of its own waits there")


def not_taken() -> dict[str, Any]:
    """Return the columns of a queued job whose message a worker has taken and does not serve.

    It is published again. One that has never run is placed anew: it may have been lent, and fit a smaller
    class. One that has run stays where its finished blocks are of use.
    """
    may_be_lent = (Job.placement == PlacementState.PLACED) & (Job.attempt == 0)
    return {
        "dispatched_at": None,
        "placement": case((may_be_lent, PlacementState.SIZED.value), else_=Job.placement),
    }


def mark_unschedulable(session: Session, job_id: UUID) -> None:
    """Take a queued job out of the line: it fits no class."""
    session.execute(
        update(Job)
        .where(Job.id == job_id, _QUEUED)
        .values(
            queue=UNPLACED,
            placement=PlacementState.UNSCHEDULABLE,
            unschedulable_since=func.coalesce(Job.unschedulable_since, NOW),
            dispatched_at=None,
        )
    )


def tell(session: Session, job_id: UUID, message: str) -> None:
    """Write a message for people into the events of a queued job."""
    row = session.execute(
        update(Job)
        .where(Job.id == job_id, _QUEUED)
        .values(last_event=Job.last_event + 1)
        .returning(Job.owner, Job.last_event)
    ).one_or_none()
    if row is not None:
        event_log.append(session, job_id, row.owner, row.last_event, LogMessage(message=message))
