"""What operators let workers and queues do: a worker is cordoned or drained, a queue is paused.

A cordoned worker finishes its job and takes no other; one that is drained ends after that. The jobs of a
paused queue are not claimed, and those that run go on. The rows of workers and queues are the truth:
dispatchers publish by them, every claim is checked against them, and a worker reads its own with each
heartbeat.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.hints import hints
from jobs.tables import NOW, Job, Queue, Worker

_CLAIMING = 0x636C61696D  # distinguishes this advisory lock from others on the same name


def cordon(session: Session, worker: str) -> bool:
    """Let a worker take no more jobs; one that it runs goes on. Returns False if there is no such worker.

    Claims that have begun end first: after this call, the worker's job is the last one.
    """
    return _change(session, worker, cordoned_at=func.coalesce(Worker.cordoned_at, NOW))


def uncordon(session: Session, worker: str) -> bool:
    """Let a worker take jobs again, also one that is being drained. Returns False if there is none."""
    hints.give(session, hints.DISPATCH)
    return _change(session, worker, cordoned_at=None, draining=False)


def drain(session: Session, worker: str) -> bool:
    """Let a worker finish its job, take no more, and end. Returns False if there is no such worker."""
    return _change(session, worker, cordoned_at=func.coalesce(Worker.cordoned_at, NOW), draining=True)


def took_its_only_job(session: Session, worker: str, job_id: UUID) -> None:
    """Drain a worker that runs one job only, in the transaction of its claim."""
    queue = select(Job.queue).where(Job.id == job_id).scalar_subquery()
    drained = {"cordoned_at": NOW, "draining": True}
    session.execute(
        insert(Worker)
        .values(name=worker, queue=queue, **drained)
        .on_conflict_do_update(index_elements=[Worker.name], set_=drained)
    )


def holds_back(session: Session, worker: str, job_id: UUID) -> bool:
    """Whether a worker must not claim a job: it is cordoned, or the job's queue is paused.

    Until the transaction ends, nobody cordons the worker, gives the job to another queue or pauses its own.
    """
    cordoned = session.scalar(
        select(Worker.cordoned_at.is_not(None)).where(Worker.name == worker).with_for_update(read=True)
    )
    queue = session.scalar(select(Job.queue).where(Job.id == job_id).with_for_update(key_share=True))
    if cordoned or queue is None:
        return bool(cordoned)
    session.execute(select(func.pg_advisory_xact_lock_shared(_claims_of(queue))))
    paused = exists().where(Queue.name == queue, Queue.paused_at.is_not(None))
    return session.scalars(select(paused)).one()


def _claims_of(queue: str) -> ColumnElement[int]:
    """Return the advisory lock that claims share and a pause has alone: the queue may have no row yet."""
    return func.hashtextextended(queue, _CLAIMING)


def pause(session: Session, queue: str, by: str) -> None:
    """Let no worker claim a job of a queue. One that is paused already stays as it is.

    Claims that have begun end first: once this transaction has ended, no job of the queue begins.
    """
    session.execute(select(func.pg_advisory_xact_lock(_claims_of(queue))))
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
    hints.give(session, hints.DISPATCH)


def _change(session: Session, worker: str, **values: Any) -> bool:  # noqa: ANN401 - what SQLAlchemy takes
    changed = update(Worker).where(Worker.name == worker).values(values).returning(Worker.name)
    return session.scalar(changed) is not None
