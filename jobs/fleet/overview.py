"""Every registered worker and every queue, for those who run the service: what they do, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session

from jobs.fleet import dispatch_queue, quarantine
from jobs.fleet.selecting import is_alive
from jobs.placement.classes import UNKNOWN
from jobs.states import HELD, JobState
from jobs.tables import NOW, Job, Queue, Worker

MOST_COUNTED = 10_000
"""So many queued jobs of a queue are counted; of a longer one it is only known that it is longer."""


class WorkerState(StrEnum):
    """What a worker does."""

    IDLE = "idle"
    BUSY = "busy"
    QUARANTINED = "quarantined"
    CORDONED = "cordoned"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class RunningJob:
    """The job that a worker holds."""

    id: UUID
    owner: str
    stage: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """A registered worker."""

    worker: Worker
    silent: bool
    job: RunningJob | None

    @property
    def state(self) -> WorkerState:
        """What it does. A silent one may be dead, whatever it did before."""
        if self.silent:
            return WorkerState.SILENT
        if self.worker.quarantined_at is not None:
            return WorkerState.QUARANTINED
        if self.job is not None:
            return WorkerState.BUSY
        return WorkerState.IDLE if self.worker.cordoned_at is None else WorkerState.CORDONED

    @property
    def since(self) -> datetime | None:
        """Since when, where that is known."""
        match self.state:
            case WorkerState.SILENT:
                return self.worker.seen_at
            case WorkerState.QUARANTINED:
                return self.worker.quarantined_at
            case WorkerState.CORDONED:
                return self.worker.cordoned_at
            case _:
                return None if self.job is None else self.job.since

    @property
    def device(self) -> str | None:
        """The device that it computes on, once it has been measured."""
        return None if self.worker.machine is None else str(self.worker.machine["device"])


def workers(session: Session, seen_within: float) -> list[Seen]:
    """Return the registered workers in the order of `quarantine.workers`.

    One without a heartbeat in the last `seen_within` seconds is silent.
    """
    return _seen(session, quarantine.workers(session), seen_within)


def worker(session: Session, name: str, seen_within: float) -> Seen | None:
    """Return one registered worker, or None."""
    row = session.get(Worker, name, populate_existing=True)
    return None if row is None else _seen(session, [row], seen_within)[0]


def _seen(session: Session, rows: Sequence[Worker], seen_within: float) -> list[Seen]:
    now: datetime = session.scalars(select(NOW)).one()
    names = [row.name for row in rows]
    held = select(Job.worker, Job.id, Job.owner, Job.stage, Job.running_at.label("since")).where(
        Job.state.in_(HELD), Job.worker.in_(names)
    )
    running = {
        row.worker: RunningJob(row.id, row.owner, row.stage, row.since) for row in session.execute(held)
    }
    return [
        Seen(row, (now - row.seen_at).total_seconds() >= seen_within, running.get(row.name)) for row in rows
    ]


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """A queue with its jobs and its workers."""

    name: str
    paused_at: datetime | None
    paused_by: str | None
    queued: int
    """At most `MOST_COUNTED` + 1."""
    running: int
    workers: int
    """Those that are alive and take jobs."""


def queues(session: Session, seen_within: float) -> list[QueueSeen]:
    """Return every queue that has a worker or an open job, or was paused once, by name.

    A worker without a heartbeat in the last `seen_within` seconds counts as gone.
    """
    rows = {row.name: row for row in session.scalars(select(Queue))}
    workers = _workers_by_queue(session, seen_within)
    held = select(Job.queue, func.count()).where(Job.state.in_(HELD)).group_by(Job.queue)
    running = {row[0]: row[1] for row in session.execute(held)}
    waiting = dispatch_queue.waiting_queues(session)
    return [
        QueueSeen(
            name,
            rows[name].paused_at if name in rows else None,
            rows[name].paused_by if name in rows else None,
            _queued(session, name) if name in {*rows, *waiting} else 0,
            running.get(name, 0),
            workers.get(name, 0),
        )
        for name in sorted({*rows, *workers, *running, *waiting})
    ]


def is_queue(session: Session, name: str) -> bool:
    """Whether a queue has a worker or an open job, or was paused once."""
    return session.scalars(
        select(
            exists().where(Queue.name == name)
            | exists().where(Job.queue == name, Job.state == JobState.QUEUED)
            | exists().where(Job.queue == name, Job.state.in_(HELD))
            | exists().where(dispatch_queue.reads(name), Worker.queue != UNKNOWN)
        )
    ).one()


def queue(session: Session, name: str, seen_within: float) -> QueueSeen:
    """Return one queue: see `queues`."""
    row = session.get(Queue, name, populate_existing=True)
    held = select(func.count()).where(Job.queue == name, Job.state.in_(HELD))
    return QueueSeen(
        name,
        None if row is None else row.paused_at,
        None if row is None else row.paused_by,
        _queued(session, name),
        session.scalars(held).one(),
        _workers_by_queue(session, seen_within, dispatch_queue.reads(name)).get(name, 0),
    )


def _workers_by_queue(session: Session, seen_within: float, *which: ColumnElement[bool]) -> dict[str, int]:
    """Return how many workers take jobs from each queue that a registered worker reads.

    `which`: conditions of the workers that are looked at.
    """
    takes_jobs = and_(is_alive(seen_within), *dispatch_queue.TAKES_JOBS).label("takes_jobs")
    counts: dict[str, int] = {}
    for row in session.execute(select(Worker.queues_read, takes_jobs).where(*which)):
        for queue in row.queues_read:
            counts[queue] = counts.get(queue, 0) + row.takes_jobs
    counts.pop(UNKNOWN, None)  # of those that do not know their class yet
    return counts


def _queued(session: Session, queue: str) -> int:
    few = select(Job.id).where(Job.state == JobState.QUEUED, Job.queue == queue).limit(MOST_COUNTED + 1)
    return session.scalars(select(func.count()).select_from(few.subquery())).one()
