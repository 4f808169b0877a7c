"""The placement of a queued job: into the queue of a class of workers, or nowhere for now.

Each is a guarded UPDATE of the queued job's row. People are told by an event when a job fits nowhere, and
when it does later; that a job waits in the queue of its class is nothing to tell.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import func, null, update
from sqlalchemy.orm import Session

from jobs.lifecycle import event_log
from jobs.lifecycle.events import LogMessage
from jobs.placement.classes import UNPLACED
from jobs.states import JobState, PlacementState
from jobs.tables import NOW, Job

_QUEUED = Job.state == JobState.QUEUED


def sized(session: Session, job_id: UUID, needs: dict[str, Any] | None) -> None:
    """Record what a queued job needs, or that it cannot be known before a worker has the model."""
    session.execute(
        update(Job)
        .where(Job.id == job_id, _QUEUED, Job.placement == PlacementState.UNSIZED)
        .values(needs=null() if needs is None else needs, placement=PlacementState.SIZED)
    )


def place(session: Session, job_ids: Collection[UUID], queue: str) -> None:
    """Put queued jobs into the queue of a class. They are published there, wherever they were before."""
    session.execute(
        update(Job)
        .where(Job.id.in_(job_ids), _QUEUED)
        .values(queue=queue, placement=PlacementState.PLACED, dispatched_at=None, unschedulable_since=None)
    )


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
    last = session.scalar(
        update(Job)
        .where(Job.id == job_id, _QUEUED)
        .values(last_event=Job.last_event + 1)
        .returning(Job.last_event)
    )
    if last is not None:
        event_log.append(session, job_id, last, LogMessage(message=message))
