"""Workers that cannot run jobs: their faults are counted, and a quarantined one takes no jobs.

A fault is what went wrong on the worker's machine, whatever the job: an unwritable disk, a broken device. The
worker's row is the truth: the worker reads it with each heartbeat, and every claim is checked against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from jobs.fleet import steering
from jobs.hints import hints
from jobs.lifecycle.placing import not_taken
from jobs.spec.plain_text import plain
from jobs.states import JobState, Outcome
from jobs.tables import NOW, Job, JobAttempt, Worker

FAULTS_IN_A_ROW = 3
"""Faults without a succeeded job in between, after which a worker is quarantined."""

_MOST_LISTED = 1000

_WAITS_FOR_ANOTHER_SECONDS = 60.0
"""For so long after a worker's fault, its job waits for another worker, if there is one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a worker may take jobs."""

    quarantined: bool
    fault: str | None


def count_fault(session: Session, worker: str, job_id: UUID, fault: str) -> bool:
    """Count a fault of a worker, which a job met. Returns whether the worker is quarantined now."""
    queue = select(Job.queue).where(Job.id == job_id).scalar_subquery()
    counted = session.execute(
        insert(Worker)
        .values(name=worker, queue=queue, faults=1, fault=plain(fault))
        .on_conflict_do_update(
            index_elements=[Worker.name], set_={"faults": Worker.faults + 1, "fault": plain(fault)}
        )
        .returning(Worker.faults, Worker.queue)
    ).one()
    quarantined = bool(counted.faults >= FAULTS_IN_A_ROW)
    if quarantined:
        quarantine(session, worker, counted.queue, fault)
    return quarantined


def quarantine(session: Session, worker: str, queue: str, fault: str) -> None:
    """Let a worker take no more jobs, because of `fault`. One that is quarantined already stays so."""
    session.execute(
        insert(Worker)
        .values(name=worker, queue=queue, fault=plain(fault), quarantined_at=NOW)
        .on_conflict_do_update(
            index_elements=[Worker.name],
            set_={"fault": plain(fault), "quarantined_at": func.coalesce(Worker.quarantined_at, NOW)},
        )
    )


def release(session: Session, worker: str) -> None:
    """Let a worker take jobs again, with no fault counted."""
    session.execute(
        update(Worker).where(Worker.name == worker).values(faults=0, fault=None, quarantined_at=None)
    )
    hints.give(session, hints.DISPATCH)


def succeeded(session: Session, worker: str) -> None:
    """Record that a worker has run a job: its earlier faults do not count any more."""
    session.execute(
        update(Worker)
        .where(Worker.name == worker, Worker.faults > 0, Worker.quarantined_at.is_(None))
        .values(faults=0, fault=None)
    )


def standing(session: Session, worker: str) -> Standing:
    """Return whether a worker may take jobs; one without a row yet may."""
    row = session.execute(
        select(Worker.quarantined_at, Worker.fault).where(Worker.name == worker)
    ).one_or_none()
    return Standing(False, None) if row is None else Standing(row.quarantined_at is not None, row.fault)


def workers(session: Session) -> Sequence[Worker]:
    """Return the registered workers, quarantined ones first, then by name; at most 1,000."""
    in_order = (Worker.quarantined_at.is_(None), Worker.name)
    return session.scalars(select(Worker).order_by(*in_order).limit(_MOST_LISTED)).all()


def leaves_to_another(session: Session, worker: str, job_id: UUID, seen_within: float) -> bool:
    """Whether this worker must not run this job: it is quarantined or cordoned, or failed it a moment ago.

    Nobody runs it while its queue is paused. A worker that failed the job leaves it alone for a minute, if
    another one of its queue is alive and takes jobs.
    """
    if steering.holds_back(session, worker, job_id) or standing(session, worker).quarantined:
        return True
    other, own = aliased(Worker), aliased(Worker)
    failed_here = exists().where(
        JobAttempt.job_id == job_id,
        JobAttempt.worker == worker,
        JobAttempt.outcome == Outcome.WORKER_FAULT,
        JobAttempt.ended_at > NOW - timedelta(seconds=_WAITS_FOR_ANOTHER_SECONDS),
    )
    another = exists().where(
        own.name == worker,
        other.name != worker,
        other.queue == own.queue,
        other.quarantined_at.is_(None),
        other.cordoned_at.is_(None),
        other.seen_at > NOW - timedelta(seconds=seen_within),
    )
    return session.scalars(select(failed_here & another)).one()


def put_back(session: Session, job_id: UUID) -> None:
    """Let the dispatcher publish a queued job again, whose message a worker has taken and will not serve."""
    session.execute(update(Job).where(Job.id == job_id, Job.state == JobState.QUEUED).values(not_taken()))
