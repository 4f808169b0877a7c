"""Operators' controls of workers and queues: cordon and drain a worker, pause a queue.

A cordoned worker finishes its job and takes no other; one that is drained ends after that. The workers of a
paused queue claim no jobs, and no other class claims the jobs of that class; those that run go on. Every
claim is checked against the rows of workers and queues, and a worker reads its own with each heartbeat.
"""

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.notify import QUEUE, notify_on_commit
from jobs.tables import NOW, Queue, Worker

_CLAIMING = 0x636C61696D  # distinguishes this advisory lock from others


def cordon(session: Session, worker: str) -> bool:
    """Let a worker take no more jobs; one that it runs continues. Returns False if there is no such worker.

    Claims that have begun end first: after this call, the worker's job is the last one.
    """
    lock_claims(session)
    return _change(session, worker, cordoned_at=func.coalesce(Worker.cordoned_at, NOW))


def uncordon(session: Session, worker: str) -> bool:
    """Let a worker take jobs again, also one that is being drained. Returns False if there is none."""
    notify_on_commit(session, QUEUE)
    return _change(session, worker, cordoned_at=None, draining=False)


def drain(session: Session, worker: str) -> bool:
    """Let a worker finish its job, take no more, and end. Returns False if there is no such worker."""
    lock_claims(session)
    return _change(session, worker, cordoned_at=func.coalesce(Worker.cordoned_at, NOW), draining=True)


def lock_claims(session: Session) -> None:
    """Let no other transaction claim a job, pause a queue or cordon a worker before this one ends."""
    session.execute(select(func.pg_advisory_xact_lock(_CLAIMING)))


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


def _change(session: Session, worker: str, **values: Any) -> bool:  # noqa: ANN401 - what SQLAlchemy takes
    changed = update(Worker).where(Worker.name == worker).values(values).returning(Worker.name)
    return session.scalar(changed) is not None
