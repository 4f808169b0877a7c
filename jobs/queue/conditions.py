"""Conditions under which a worker or a queue takes no jobs: quarantine, cordon, drain, pause.

A worker is quarantined after faults in a row: what went wrong on its machine, whatever the job, such as an
unwritable disk or a broken device. Operators cordon a worker, which then finishes its job and takes no other;
one that is drained ends after that. Workers of a paused queue claim no jobs, and others claim none of its
jobs; running jobs continue. Every claim is checked against the rows of workers and queues, and a worker reads
its own row with each heartbeat.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.notify import QUEUE, notify_on_commit
from jobs.queue.resources import UNKNOWN_QUEUE
from jobs.spec.plain_text import plain
from jobs.tables import NOW, Queue, Worker

FAULTS_IN_A_ROW = 3
"""Faults without a succeeded job in between, after which a worker is quarantined."""

_MAX_LISTED = 1000
_CLAIM_LOCK = 0x636C61696D  # distinguishes this advisory lock from others


def record_fault(session: Session, worker: str, fault: str) -> bool:
    """Count a fault of a worker, which a job met. Returns whether the worker is quarantined now."""
    faults = session.scalar(
        insert(Worker)
        .values(name=worker, queue=UNKNOWN_QUEUE, faults=1, fault=plain(fault))
        .on_conflict_do_update(
            index_elements=[Worker.name], set_={"faults": Worker.faults + 1, "fault": plain(fault)}
        )
        .returning(Worker.faults)
    )
    quarantined = faults is not None and faults >= FAULTS_IN_A_ROW
    if quarantined:
        quarantine(session, worker, fault)
    return quarantined


def quarantine(session: Session, worker: str, fault: str) -> None:
    """Let a worker take no more jobs, because of `fault`. One that is quarantined already stays so."""
    session.execute(
        insert(Worker)
        .values(name=worker, queue=UNKNOWN_QUEUE, fault=plain(fault), quarantined_at=NOW)
        .on_conflict_do_update(
            index_elements=[Worker.name],
            set_={"fault": plain(fault), "quarantined_at": func.coalesce(Worker.quarantined_at, NOW)},
        )
    )


def release(session: Session, worker: str) -> None:
    """Let a worker take jobs again. After faults in a row, the next one quarantines it again."""
    kept = func.least(Worker.faults, FAULTS_IN_A_ROW - 1)  # its self-test may not find what jobs meet
    session.execute(
        update(Worker).where(Worker.name == worker).values(faults=kept, fault=None, quarantined_at=None)
    )
    notify_on_commit(session, QUEUE)


def clear_faults(session: Session, worker: str) -> None:
    """Record that a worker has run a job: its earlier faults do not count any more."""
    session.execute(
        update(Worker)
        .where(Worker.name == worker, Worker.faults > 0, Worker.quarantined_at.is_(None))
        .values(faults=0, fault=None)
    )


def listed_workers(session: Session) -> Sequence[Worker]:
    """Return the registered workers, quarantined ones first, then by name; at most 1,000."""
    in_order = (Worker.quarantined_at.is_(None), Worker.name)
    return session.scalars(select(Worker).order_by(*in_order).limit(_MAX_LISTED)).all()


def cordon(session: Session, worker: str) -> bool:
    """Let a worker take no more jobs; one that it runs continues. Returns False if there is no such worker.

    Claims that have begun end first: after this call, the worker's job is the last one.
    """
    lock_claims(session)
    return _update_worker(session, worker, cordoned_at=func.coalesce(Worker.cordoned_at, NOW))


def uncordon(session: Session, worker: str) -> bool:
    """Let a worker take jobs again, also one that is being drained. Returns False if there is none."""
    notify_on_commit(session, QUEUE)
    return _update_worker(session, worker, cordoned_at=None, draining=False)


def drain(session: Session, worker: str) -> bool:
    """Let a worker finish its job, take no more, and end. Returns False if there is no such worker."""
    lock_claims(session)
    return _update_worker(session, worker, cordoned_at=func.coalesce(Worker.cordoned_at, NOW), draining=True)


def lock_claims(session: Session) -> None:
    """Let no other transaction claim a job, pause a queue or cordon a worker before this one ends."""
    session.execute(select(func.pg_advisory_xact_lock(_CLAIM_LOCK)))


def pause(session: Session, queue: str, by: str) -> None:
    """Let no worker claim a job of a queue, and its workers claim none. One that is paused stays as it is.

    Claims that have begun end first: once this transaction has ended, no job of the queue begins.
    """
    lock_claims(session)
    session.execute(
        insert(Queue)
        .values(name=queue, paused_at=NOW, paused_by=by)
        .on_conflict_do_update(
            index_elements=[Queue.name],
            set_={"paused_at": NOW, "paused_by": by},
            where=Queue.paused_at.is_(None),
        )
    )


def resume(session: Session, queue: str) -> None:
    """Let workers claim the jobs of a queue again."""
    session.execute(update(Queue).where(Queue.name == queue).values(paused_at=None, paused_by=None))
    notify_on_commit(session, QUEUE)


def _update_worker(session: Session, worker: str, **values: Any) -> bool:  # noqa: ANN401 - what SQLAlchemy takes
    changed = update(Worker).where(Worker.name == worker).values(values).returning(Worker.name)
    return session.scalar(changed) is not None
