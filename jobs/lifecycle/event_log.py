"""The event log of a job: appended under the job's row lock, so that readers can resume without a gap."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from jobs.lifecycle.events import Event, EventData, StepFinished
from jobs.notify import EVENTS, notify_on_commit, of_job, of_owner
from jobs.tables import JobEvent

_PROGRESS = StepFinished.model_fields["kind"].default


def append(session: Session, job_id: UUID, owner: str, event_id: int, event: EventData) -> None:
    """Store an event under the counter value that the caller's UPDATE of the job row returned."""
    row = {"job_id": job_id, "id": event_id, "kind": event.kind, "data": stored(event)}
    session.execute(insert(JobEvent).values(row))
    notify_on_commit(session, EVENTS, of_job(job_id), of_owner(owner))


def stored(event: EventData) -> dict[str, Any]:
    """Return the data of an event as it is stored, without its kind."""
    return event.model_dump(mode="json", exclude={"kind"}, exclude_none=True)


def since(session: Session, job_id: UUID, after: int, limit: int = 500) -> list[Event]:
    """Return the events of a job with an id greater than `after`, oldest first."""
    rows = session.scalars(
        select(JobEvent)
        .where(JobEvent.job_id == job_id, JobEvent.id > after)
        .order_by(JobEvent.id)
        .limit(limit)
    )
    return _events(rows)


def recent(session: Session, job_id: UUID, limit: int = 200) -> list[Event]:
    """Return the latest events, oldest first, without the progress within stages."""
    rows = session.scalars(
        select(JobEvent)
        .where(JobEvent.job_id == job_id, JobEvent.kind != _PROGRESS)
        .order_by(JobEvent.id.desc())
        .limit(limit)
    ).all()
    return _events(reversed(rows))


def latest_progress(session: Session, job_id: UUID) -> StepFinished | None:
    """Return the latest progress within a stage; None before the first."""
    data = session.scalar(
        select(JobEvent.data)
        .where(JobEvent.job_id == job_id, JobEvent.kind == _PROGRESS)
        .order_by(JobEvent.id.desc())
        .limit(1)
    )
    return None if data is None else StepFinished.model_validate(data)


def _events(rows: Iterable[JobEvent]) -> list[Event]:
    return [
        Event.model_validate({"id": row.id, "at": row.at, "data": {**row.data, "kind": row.kind}})
        for row in rows
    ]
