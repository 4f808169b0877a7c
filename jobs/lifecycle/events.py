"""What happened to a job, in an order that a reader can resume from."""

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from jobs.tables import JobEvent

EventKind = Literal["state", "stage", "progress", "stage_finished", "log"]

CHANNEL = "pruneserve_events"
"""The NOTIFY channel. A notification carries the job's id alone: it is a doorbell, not the mail."""


def append(session: Session, job_id: UUID, event_id: int, kind: EventKind, data: dict[str, Any]) -> None:
    """Write one event under the counter value that the caller's UPDATE of the job row returned."""
    session.execute(insert(JobEvent).values(job_id=job_id, id=event_id, kind=kind, data=data))
    session.execute(select(func.pg_notify(CHANNEL, str(job_id))))


def since(session: Session, job_id: UUID, after: int, limit: int = 500) -> Sequence[JobEvent]:
    """The events of a job with an id greater than `after`, oldest first."""
    return session.scalars(
        select(JobEvent)
        .where(JobEvent.job_id == job_id, JobEvent.id > after)
        .order_by(JobEvent.id)
        .limit(limit)
    ).all()


def told(session: Session, job_id: UUID, limit: int = 200) -> Sequence[JobEvent]:
    """The latest events that a person wants to read, oldest first: all but the progress within a stage."""
    latest = session.scalars(
        select(JobEvent)
        .where(JobEvent.job_id == job_id, JobEvent.kind != "progress")
        .order_by(JobEvent.id.desc())
        .limit(limit)
    ).all()
    return latest[::-1]


def latest_progress(session: Session, job_id: UUID) -> dict[str, Any]:
    """What the last event of progress within a stage has told; nothing before the first."""
    return (
        session.scalar(
            select(JobEvent.data)
            .where(JobEvent.job_id == job_id, JobEvent.kind == "progress")
            .order_by(JobEvent.id.desc())
            .limit(1)
        )
        or {}
    )
