"""The leases under which workers hold lanes, and what these have used by the end of one.

A worker that helps has a lease that expires. The job's own worker holds its lanes as long as the job.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from jobs.hints import hints
from jobs.lifecycle import usage
from jobs.tables import NOW, SEARCH_NOW, GradientLane

RELEASED: dict[str, Any] = dict.fromkeys(("worker", "token", "taken_at", "expires_at", "offered_at"))
"""The columns of a lane that nobody holds."""

BY_A_COWORKER = GradientLane.expires_at.is_not(None)

HELPED = GradientLane.worker.is_not(None), GradientLane.expires_at > SEARCH_NOW
"""The conditions of a lane that a coworker computes, under a lease that has not expired."""

_UNFINISHED = GradientLane.finished_at.is_(None)
_SECONDS_HELD = func.extract("epoch", func.least(NOW, GradientLane.expires_at) - GradientLane.taken_at)


def helped_by(session: Session, worker: str) -> UUID | None:
    """Return the job of which a worker holds a lane, under a lease that has not expired."""
    return session.scalar(
        select(GradientLane.job_id).where(
            GradientLane.worker == worker, BY_A_COWORKER, GradientLane.expires_at > SEARCH_NOW
        )
    )


def tokens(session: Session, job_id: UUID) -> set[str]:
    """Return the tokens under which lanes of a job are held."""
    held = GradientLane.job_id == job_id, GradientLane.token.is_not(None)
    return {str(token) for token in session.scalars(select(GradientLane.token).where(*held))}


def end(session: Session, *which: ColumnElement[bool], values: Mapping[str, Any] | None = None) -> bool:
    """Take lanes from the coworkers that hold them, and record what these have used. Returns if any did.

    The rows of their jobs are locked. `values`: what else to write into those of the lanes.
    """
    rows = session.execute(
        select(GradientLane.job_id, GradientLane.lane, GradientLane.worker, _SECONDS_HELD.label("seconds"))
        .where(*which, _UNFINISHED, GradientLane.token.is_not(None), BY_A_COWORKER)
        .with_for_update()
    ).all()
    for row in rows:
        this = GradientLane.job_id == row.job_id, GradientLane.lane == row.lane
        session.execute(update(GradientLane).where(*this).values(RELEASED | dict(values or {})))
        usage.record_help(session, row.job_id, row.worker, float(row.seconds))
        hints.give(session, hints.DISPATCH)
    return bool(rows)


def forget_unfinished(session: Session, job_id: UUID) -> None:
    """Take the lanes of a job that are not finished from their workers. The row of the job is locked."""
    gone = session.execute(
        delete(GradientLane)
        .where(GradientLane.job_id == job_id, _UNFINISHED)
        .returning(GradientLane.worker, GradientLane.expires_at, _SECONDS_HELD.label("seconds"))
    ).all()
    for row in gone:
        if row.expires_at is not None:  # the time of the job's own worker is that of its attempt
            usage.record_help(session, job_id, row.worker, float(row.seconds))
