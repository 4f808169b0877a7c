"""Every registered worker and every queue, for those who run the service: what they do, and since when."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.queue import quarantine
from jobs.queue import workers as registered
from jobs.queue.classes import UNKNOWN
from jobs.queue.needs import needs_of
from jobs.queue.workers import Fleet
from jobs.states import HELD, JobState
from jobs.tables import NOW, Job, Queue, Worker

MOST_COUNTED = 10_000
"""So many queued jobs are counted: with more, the figures are too small."""

NO_CLASS = "none"
"""The queue at which those queued jobs are counted that are not sized, or fit no live worker."""


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
    """The queue of a class of workers, with its jobs and its workers."""

    name: str
    paused_at: datetime | None
    paused_by: str | None
    queued: int
    """Queued jobs of this class, of the first `MOST_COUNTED` of all."""
    running: int
    workers: int
    """Those that are alive and take jobs."""


def queues(session: Session, seen_within: float) -> list[QueueSeen]:
    """Return every class that has a worker or an open job, or was paused once, by name.

    A queued job counts at the smallest class of the live workers that it fits, or at `NO_CLASS`. A worker
    without a heartbeat in the last `seen_within` seconds counts as gone.
    """
    paused = {row.name: row for row in session.scalars(select(Queue))}
    fleet = registered.fleet(session, seen_within)
    held = select(func.coalesce(Job.worker_class, NO_CLASS), func.count()).where(Job.state.in_(HELD))
    running = {row[0]: row[1] for row in session.execute(held.group_by(Job.worker_class))}
    queued: Counter[str] = Counter()
    for (name, _), count in queued_jobs(session, fleet, MOST_COUNTED).items():
        queued[name] += count
    known = session.scalars(select(Worker.queue).where(Worker.queue != UNKNOWN).distinct())
    return [
        QueueSeen(
            name,
            paused[name].paused_at if name in paused else None,
            paused[name].paused_by if name in paused else None,
            queued[name],
            running.get(name, 0),
            len(fleet.of_class(name)),
        )
        for name in sorted({*paused, *running, *queued, *known})
    ]


def queue(session: Session, name: str, seen_within: float) -> QueueSeen | None:
    """Return one class: see `queues`. None: there is no such."""
    seen = (each for each in queues(session, seen_within) if each.name != NO_CLASS)
    return next((each for each in seen if each.name == name), None)


def queued_jobs(session: Session, fleet: Fleet, limit: int) -> Counter[tuple[str, str]]:
    """Count up to `limit` queued jobs by the smallest class that they fit, or `NO_CLASS`, and owner."""
    first = select(Job.needs, Job.owner).where(Job.state == JobState.QUEUED).limit(limit)
    each = first.subquery()
    found: Counter[tuple[str, str]] = Counter()
    counted = select(each.c.needs, each.c.owner, func.count()).group_by(*each.c)
    for needs, owner, count in session.execute(counted):
        own = None if needs is None else fleet.own_class(needs_of(needs))
        found[own or NO_CLASS, owner] += count
    return found
