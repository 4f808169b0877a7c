"""Workers that cannot run jobs: their faults are counted, and a quarantined one takes no jobs.

A fault is what went wrong on the worker's machine, whatever the job: an unwritable disk, a broken device. The
worker's row is the truth: the worker reads it with each heartbeat, and every claim is checked against it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.notify import QUEUE, notify_on_commit
from jobs.queue.classes import UNKNOWN
from jobs.spec.plain_text import plain
from jobs.tables import NOW, Job, Worker

FAULTS_IN_A_ROW = 3
"""Faults without a succeeded job in between, after which a worker is quarantined."""

_MOST_LISTED = 1000


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a worker may take jobs."""

    quarantined: bool
    fault: str | None


def count_fault(session: Session, worker: str, job_id: UUID, fault: str) -> bool:
    """Count a fault of a worker, which a job met. Returns whether the worker is quarantined now."""
    of_class = select(func.coalesce(Job.worker_class, UNKNOWN)).where(Job.id == job_id)
    counted = session.execute(
        insert(Worker)
        .values(name=worker, queue=of_class.scalar_subquery(), faults=1, fault=plain(fault))
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
    notify_on_commit(session, QUEUE)


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
