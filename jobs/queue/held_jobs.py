"""Jobs that workers hold: as a worker's parent sees its own, and those whose leases have expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from jobs.lifecycle import usage
from jobs.lifecycle.lifecycle import Claim
from jobs.states import HELD, JobState
from jobs.tables import NOW, SEARCH_NOW, Job, JobAttempt, Lease


@dataclass(frozen=True, slots=True)
class HeldJob:
    """A job that a worker holds. All durations are in seconds, by the clock of the database."""

    claim: Claim
    state: JobState
    stage: str
    stalled_for: float
    cancelling_for: float
    ran_for: float
    """Time on workers, in all attempts since the submission or the last retry."""


def held_by(
    session: Session, worker: str, *, job_id: UUID | None = None, lock: bool = False
) -> HeldJob | None:
    """Return the job that a worker holds, or None. `job_id`: None unless it is this one.

    With `lock`, the row is locked for this transaction, so the process that runs the job can neither end it
    nor start another one.
    """
    query = (
        select(
            Job.id,
            Job.attempt,
            Job.lease_token,
            Job.owner,
            Job.spec,
            Job.state,
            Job.stage,
            func.extract("epoch", usage.held_until(Job.id) - Job.progressed_at).label("stalled_for"),
            func.extract("epoch", NOW - Job.cancelling_at).label("cancelling_for"),
            _seconds_on_workers().label("ran_for"),
        )
        .where(Job.worker == worker, Job.state.in_(HELD), *(() if job_id is None else (Job.id == job_id,)))
        .order_by(Job.running_at.desc())
        .limit(1)
    )
    row = session.execute(query.with_for_update(of=Job) if lock else query).one_or_none()
    if row is None:
        return None
    return HeldJob(
        claim=Claim(row.id, row.attempt, row.lease_token, row.owner, row.spec),
        state=row.state,
        stage=row.stage or "resolve",  # which is about to begin
        stalled_for=float(row.stalled_for or 0),
        cancelling_for=float(row.cancelling_for or 0) if row.state == JobState.CANCELLING else 0.0,
        ran_for=float(row.ran_for or 0),
    )


def _seconds_on_workers() -> ScalarSelect[Any]:
    return (
        select(usage.SECONDS_HELD)
        .where(
            JobAttempt.job_id == Job.id,
            JobAttempt.started_at >= func.coalesce(Job.retried_at, Job.created_at),
        )
        .scalar_subquery()
    )


@dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A job whose lease has expired."""

    job_id: UUID
    lease_token: UUID
    worker: str | None
    expired_for: float
    """Seconds, by the clock of the database."""


def expired_leases(session: Session, limit: int) -> Sequence[ExpiredLease]:
    """Return jobs whose lease has expired, the longest expired first."""
    expired = (
        select(
            Job.id, Job.lease_token, Job.worker, func.extract("epoch", NOW - Lease.expires_at).label("since")
        )
        .join(Lease, (Lease.job_id == Job.id) & (Lease.token == Job.lease_token))
        .where(Job.state.in_(HELD), Lease.expires_at < SEARCH_NOW)
        .order_by(Lease.expires_at)
        .limit(limit)
    )
    return [
        ExpiredLease(row.id, row.lease_token, row.worker, float(row.since))
        for row in session.execute(expired)
    ]
