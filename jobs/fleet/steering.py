"""What operators let workers and queues do: a worker is cordoned or drained, a queue is paused.

A cordoned worker finishes its job and takes no other; one that is drained ends after that. The jobs of a
paused queue are not claimed, and those that run go on. The rows of workers and queues are the truth:
dispatchers publish by them, every claim is checked against them, and a worker reads its own with each
heartbeat.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.tables import NOW, Job, Queue, Worker


def cordon(session: Session, worker: str) -> bool:
    """Let a worker take no more jobs; one that it runs goes on. Returns False if there is no such worker.

    Claims that have begun end first: after this call, the worker's job is the last one.
    """
    return _change(session, worker, cordoned_at=func.coalesce(Worker.cordoned_at, NOW))


def uncordon(session: Session, worker: str) -> bool:
    """Let a worker take jobs again, also one that is being drained. Returns False if there is none."""
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

    The worker's row stays as it is until the transaction ends, so that nobody cordons it in between.
    """
    cordoned = session.scalar(
        select(Worker.cordoned_at.is_not(None)).where(Worker.name == worker).with_for_update(read=True)
    )
    paused = exists().where(Job.id == job_id, Queue.name == Job.queue, Queue.paused_at.is_not(None))
    return bool(cordoned) or bool(session.scalar(select(paused)))


def pause(session: Session, queue: str, by: str) -> None:
    """Let no worker claim a job of a queue. One that is paused already stays as it is."""
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


def _change(session: Session, worker: str, **values: Any) -> bool:  # noqa: ANN401 - what SQLAlchemy takes
    changed = update(Worker).where(Worker.name == worker).values(values).returning(Worker.name)
    return session.scalar(changed) is not None
