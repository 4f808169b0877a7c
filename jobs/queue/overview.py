"""What operators see of workers and queues: what each does and since when, and a snapshot for Prometheus.

Nothing is read that grows with the number of ended jobs. Queued jobs are counted in their index, up to a
limit.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, func, select
from sqlalchemy.orm import Session

from jobs.queue import backlog, conditions, workers
from jobs.queue.resources import UNKNOWN_QUEUE, needs_of
from jobs.queue.workers import Fleet, is_live
from jobs.states import HELD, OPEN, JobState
from jobs.tables import SEARCH_NOW, Job, Queue, Worker
from jobs.webhooks import outbox

MAX_LISTED_JOBS = 10_000
"""How many queued jobs lists count at most."""

NO_QUEUE = "none"
"""The queue at which those queued jobs are counted that are not sized, or fit no live worker."""

MAX_COUNTED_JOBS = 100_000
"""How many queued jobs the snapshot counts at most."""

_FIRST_IN_LINE = 100


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
class WorkerStatus:
    """A registered worker."""

    worker: Worker
    state: WorkerState
    job: RunningJob | None

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


def worker_statuses(session: Session, seen_within: float) -> list[WorkerStatus]:
    """Return the registered workers in the order of `conditions.listed_workers`.

    One without a heartbeat in the last `seen_within` seconds is silent.
    """
    return _statuses(session, conditions.listed_workers(session), seen_within)


def worker_status(session: Session, name: str, seen_within: float) -> WorkerStatus | None:
    """Return one registered worker, or None."""
    row = session.get(Worker, name, populate_existing=True)
    return None if row is None else _statuses(session, [row], seen_within)[0]


def _statuses(session: Session, rows: Sequence[Worker], seen_within: float) -> list[WorkerStatus]:
    names = [row.name for row in rows]
    state_of_each = select(Worker.name, _state(seen_within)).where(Worker.name.in_(names))
    states = {name: WorkerState(state) for name, state in session.execute(state_of_each)}
    held = select(Job.worker, Job.id, Job.owner, Job.stage, Job.running_at.label("since")).where(
        Job.state.in_(HELD), Job.worker.in_(names)
    )
    running = {
        row.worker: RunningJob(row.id, row.owner, row.stage, row.since) for row in session.execute(held)
    }
    return [WorkerStatus(row, states[row.name], running.get(row.name)) for row in rows]


def _state(seen_within: float) -> ColumnElement[str]:
    """Return the expression of a worker's state. One that takes no more jobs is not busy with its last."""
    return case(
        (~is_live(seen_within), WorkerState.SILENT),
        (Worker.quarantined_at.is_not(None), WorkerState.QUARANTINED),
        (Worker.cordoned_at.is_not(None), WorkerState.CORDONED),
        (exists().where(Job.worker == Worker.name, Job.state.in_(HELD)), WorkerState.BUSY),
        else_=WorkerState.IDLE,
    )


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """A queue, with its jobs and its workers."""

    name: str
    paused_at: datetime | None
    paused_by: str | None
    queued: int
    """Queued jobs of this queue, of the first `MAX_LISTED_JOBS` of all."""
    running: int
    workers: int
    """Those that are alive and take jobs."""


def queue_statuses(session: Session, seen_within: float) -> list[QueueStatus]:
    """Return every queue that has a worker or an open job, or was paused once, by name.

    A queued job counts at the smallest queue of live workers that it fits, or at `NO_QUEUE`. A worker
    without a heartbeat in the last `seen_within` seconds counts as gone.
    """
    paused = {row.name: row for row in session.scalars(select(Queue))}
    fleet = workers.fleet(session, seen_within)
    held = select(func.coalesce(Job.queue, NO_QUEUE), func.count()).where(Job.state.in_(HELD))
    running = {row[0]: row[1] for row in session.execute(held.group_by(Job.queue))}
    queued: Counter[str] = Counter()
    for (name, _), count in queued_jobs(session, fleet, MAX_LISTED_JOBS).items():
        queued[name] += count
    known = session.scalars(select(Worker.queue).where(Worker.queue != UNKNOWN_QUEUE).distinct())
    return [
        QueueStatus(
            name,
            paused[name].paused_at if name in paused else None,
            paused[name].paused_by if name in paused else None,
            queued[name],
            running.get(name, 0),
            len(fleet.of_queue(name)),
        )
        for name in sorted({*paused, *running, *queued, *known})
    ]


def queue_status(session: Session, name: str, seen_within: float) -> QueueStatus | None:
    """Return one queue: see `queue_statuses`. None: there is no such."""
    seen = (each for each in queue_statuses(session, seen_within) if each.name != NO_QUEUE)
    return next((each for each in seen if each.name == name), None)


def queued_jobs(session: Session, fleet: Fleet, limit: int) -> Counter[tuple[str, str]]:
    """Count up to `limit` queued jobs by the smallest queue that they fit, or `NO_QUEUE`, and owner."""
    first = select(Job.needs, Job.owner).where(Job.state == JobState.QUEUED).limit(limit)
    each = first.subquery()
    found: Counter[tuple[str, str]] = Counter()
    counted = select(each.c.needs, each.c.owner, func.count()).group_by(*each.c)
    for needs, owner, count in session.execute(counted):
        own = None if needs is None else fleet.own_queue(needs_of(needs))
        found[own or NO_QUEUE, owner] += count
    return found


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """A snapshot of the queues."""

    jobs: Mapping[tuple[str, str], int]
    """Jobs that have not ended, by state and queue; queued ones that fit no live worker at `NO_QUEUE`."""
    queued: Mapping[tuple[str, str], int]
    """Queued jobs by queue and owner."""
    oldest_seconds: Mapping[str, float]
    """By queue, how long the first jobs in line have been queued, the longest of them."""
    workers: Mapping[tuple[str, str], int]
    """Registered workers by queue and state; a cordoned one as that."""
    webhook_deliveries_due: int
    oldest_webhook_delivery_seconds: float


def snapshot(session: Session, seen_within: float) -> QueueSnapshot:
    """Read a snapshot of the queues. A worker without a heartbeat for `seen_within` seconds is silent."""
    fleet = workers.fleet(session, seen_within)
    queued = queued_jobs(session, fleet, MAX_COUNTED_JOBS)
    jobs: Counter[tuple[str, str]] = Counter()
    for (name, _), count in queued.items():
        jobs[str(JobState.QUEUED), name] += count
    held = select(Job.state, func.coalesce(Job.queue, NO_QUEUE), func.count())
    for state, name, count in session.execute(held.where(Job.state.in_(HELD)).group_by(Job.state, Job.queue)):
        jobs[str(state), name] += count
    counted = _count_workers(session, seen_within)
    served = {name for name, _ in counted}  # whose values are zero where nothing waits, and not missing
    due, oldest = outbox.backlog(session)
    nothing = {(str(state), name): 0 for state in OPEN for name in served}
    return QueueSnapshot(
        jobs=nothing | {(str(JobState.QUEUED), NO_QUEUE): 0} | jobs,
        queued=queued,
        oldest_seconds=dict.fromkeys(served, 0.0) | _oldest_by_queue(session, fleet),
        workers=counted,
        webhook_deliveries_due=due,
        oldest_webhook_delivery_seconds=oldest,
    )


def _count_workers(session: Session, seen_within: float) -> Counter[tuple[str, str]]:
    """Count all registered workers by queue and state.

    Counted where they are stored: there are more than a list of them would show.
    """
    each = select(Worker.queue, _state(seen_within).label("state")).subquery()
    counts = select(each.c.queue, each.c.state, func.count()).group_by(each.c.queue, each.c.state)
    return Counter({(queue, state): count for queue, state, count in session.execute(counts)})


def _oldest_by_queue(session: Session, fleet: Fleet) -> dict[str, float]:
    """Return by queue how long the first jobs in line have waited, the longest of them.

    What waits for something else, or for jobs of its owner, is not in line.
    """
    groups = backlog.groups(session)
    found = {}
    for name in {fleet.own_queue(group.needs) for group in groups}:
        among = [group for group in groups if fleet.own_queue(group.needs) == name]
        first = backlog.next_jobs(session, name or NO_QUEUE, among, _FIRST_IN_LINE)
        found[name or NO_QUEUE] = _oldest(session, first.jobs)
    return found


def _oldest(session: Session, jobs: Sequence[UUID]) -> float:
    """Return how long the one of these jobs has been queued that has waited longest."""
    longest = select(func.extract("epoch", SEARCH_NOW - func.min(Job.queued_at))).where(Job.id.in_(jobs))
    return max(0.0, float(session.scalar(longest) or 0)) if jobs else 0.0
