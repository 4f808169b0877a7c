"""Queued jobs that no worker may claim yet: their files are to be checked, or their needs to be estimated."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.notify import QUEUE, notify_on_commit
from jobs.queue.line import QUEUED
from jobs.tables import Job

_UNSIZED = (QUEUED, Job.needs.is_(None))


@dataclass(frozen=True, slots=True)
class NewJob:
    """A queued job that is to be looked at."""

    job_id: UUID
    owner: str
    stored_spec: dict[str, Any]


def unchecked(session: Session, limit: int) -> Sequence[NewJob]:
    """Return queued jobs whose files are still to be checked, the oldest first."""
    found = select(Job.id, Job.owner, Job.spec).where(QUEUED, Job.checks_pending).order_by(Job.id)
    return [NewJob(row.id, row.owner, row.spec) for row in session.execute(found.limit(limit))]


def checked(session: Session, job_id: UUID) -> None:
    """Record that a job's files were checked."""
    _now(session, update(Job).where(Job.id == job_id, Job.checks_pending).values(checks_pending=False))


def unsized(
    session: Session, limit: int, *, but: Collection[UUID] = (), without_owners: Collection[str] = ()
) -> Sequence[NewJob]:
    """Return queued jobs that are still to be sized, the oldest first: other ones than `but`."""
    others = (Job.id.not_in([*but]), Job.owner.not_in([*without_owners]))
    found = select(Job.id, Job.owner, Job.spec).where(*_UNSIZED, *others).order_by(Job.id).limit(limit)
    return [NewJob(row.id, row.owner, row.spec) for row in session.execute(found)]


def still_unsized(session: Session, jobs: Mapping[UUID, NewJob]) -> dict[UUID, NewJob]:
    """Return those of these jobs that are still queued and to be sized."""
    if not jobs:
        return {}
    found = set(session.scalars(select(Job.id).where(Job.id.in_(jobs), *_UNSIZED)))
    return {job_id: job for job_id, job in jobs.items() if job_id in found}


def has_unsized(session: Session) -> bool:
    """Whether any queued job is still to be sized."""
    return session.scalar(select(Job.id).where(*_UNSIZED).limit(1)) is not None


def sized(session: Session, job_id: UUID, needs: Mapping[str, Any] | None) -> None:
    """Record what a queued job needs; None if it cannot be known before a worker has the model."""
    _now(session, update(Job).where(Job.id == job_id, *_UNSIZED).values(needs=dict(needs or {})))


def _now(session: Session, change: Any) -> None:  # noqa: ANN401 - an UPDATE of jobs
    if session.scalar(change.returning(Job.id)) is not None:  # else another scheduler has done it
        notify_on_commit(session, QUEUE)
