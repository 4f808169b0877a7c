"""How the service stands, for its operators: what waits, since when, and who works on it.

One dispatcher reads it for all, every few seconds. Nothing is read that grows with the jobs that have ended;
queued jobs are counted in their index, and no more than `MOST_COUNTED` of them.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from jobs.fleet import dispatch_queue, line
from jobs.fleet.overview import WorkerState
from jobs.fleet.selecting import is_alive
from jobs.placement.classes import UNPLACED
from jobs.states import HELD, OPEN, JobState, PlacementState
from jobs.tables import SEARCH_NOW, Job, Worker
from jobs.webhooks import outbox

MOST_COUNTED = 100_000
"""Queued jobs that are counted: with more, the figures are too small."""
MOST_OWNERS = 100
"""Owners that are told apart."""
OTHERS = "(others)"
"""All owners beyond these."""
UNSCHEDULABLE = str(PlacementState.UNSCHEDULABLE)
"""The state of queued jobs that fit no class of workers: more workers of these would not help them."""

_FIRST_IN_LINE = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """What was read at one moment."""

    jobs: Mapping[tuple[str, str], int]
    """Jobs that have not ended, by state and queue; queued ones that fit no class are `UNSCHEDULABLE`."""
    queued: Mapping[tuple[str, str], int]
    """Queued jobs by queue and owner."""
    oldest_seconds: Mapping[str, float]
    """By queue, how long the first jobs in line have been queued, the longest of them."""
    workers: Mapping[tuple[str, str], int]
    """Registered workers by queue and state, each at every queue that it reads; a cordoned one as that."""
    webhooks_due: int
    oldest_webhook_seconds: float


def standing(session: Session, seen_within: float) -> Standing:
    """Read how the service stands. A worker without a heartbeat for `seen_within` seconds is silent."""
    queued = _queued(session)
    jobs = Counter({(str(JobState.QUEUED), queue): 0 for queue, _, _ in queued})
    owners: Counter[tuple[str, str]] = Counter()
    for (queue, owner, placement), count in queued.items():
        state = UNSCHEDULABLE if placement == UNSCHEDULABLE else str(JobState.QUEUED)
        jobs[state, queue] += count
        owners[queue, owner] += count
    held = select(Job.state, Job.queue, func.count()).where(Job.state.in_(HELD))
    for state, queue, count in session.execute(held.group_by(Job.state, Job.queue)):
        jobs[str(state), queue] += count
    workers = _workers(session, seen_within)
    served = {queue for queue, _ in workers}  # whose figures are zero where nothing waits, and not missing
    waiting = {
        queue: _oldest(session, _first(session, queue, served))
        for queue in dispatch_queue.waiting_queues(session)
    }
    due, oldest = outbox.backlog(session)
    nothing = {(str(state), queue): 0 for state in OPEN for queue in served} | {(UNSCHEDULABLE, UNPLACED): 0}
    return Standing(
        jobs=nothing | jobs,
        queued=_of_few_owners(owners),
        oldest_seconds=dict.fromkeys(served, 0.0) | waiting,
        workers=workers,
        webhooks_due=due,
        oldest_webhook_seconds=oldest,
    )


def _workers(session: Session, seen_within: float) -> Counter[tuple[str, str]]:
    """Count all registered workers by queue and state.

    Counted where they are stored: there are more than a list of them would show. One that an operator lets
    take no more is not busy, but cordoned.
    """
    state = case(
        (~is_alive(seen_within), WorkerState.SILENT),
        (Worker.quarantined_at.is_not(None), WorkerState.QUARANTINED),
        (Worker.cordoned_at.is_not(None), WorkerState.CORDONED),
        (exists().where(Job.worker == Worker.name, Job.state.in_(HELD)), WorkerState.BUSY),
        else_=WorkerState.IDLE,
    )
    each = select(Worker.queues_read.label("queues"), state.label("state")).subquery()
    found: Counter[tuple[str, str]] = Counter()
    for row in session.execute(select(*each.c, func.count().label("workers")).group_by(*each.c)):
        found.update({(queue, str(row.state)): row.workers for queue in row.queues})
    return found


def _queued(session: Session) -> dict[tuple[str, str, str], int]:
    """Count queued jobs by queue, owner and placement."""
    by = Job.queue, Job.owner, Job.placement
    counted = select(*by).where(Job.state == JobState.QUEUED).limit(MOST_COUNTED).subquery()
    rows = session.execute(select(*counted.c, func.count().label("jobs")).group_by(*counted.c))
    return {(row.queue, row.owner, row.placement): row.jobs for row in rows}


def _of_few_owners(queued: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Sum the owners with the fewest queued jobs up, where there are too many to be told apart."""
    in_all: Counter[str] = Counter()
    for (_, owner), count in queued.items():
        in_all[owner] += count
    known = {owner for owner, _ in in_all.most_common(MOST_OWNERS)}
    found: Counter[tuple[str, str]] = Counter()
    for (queue, owner), count in queued.items():
        found[queue, owner if owner in known else OTHERS] += count
    return found


def _first(session: Session, queue: str, served: Collection[str]) -> Sequence[UUID]:
    """Return the first jobs in line. Who waits for something else, or for jobs of its owner, is not in line.

    Where no worker reads the queue of jobs without a class, those are in line that are still to be placed:
    they are found by that, because it may be full of jobs that fit nowhere.
    """
    if queue != UNPLACED or queue in served:
        published = dispatch_queue.published(session, queue, _FIRST_IN_LINE)
        return [*published, *line.first_of_each(session, queue)]
    found: list[UUID] = []
    for placement in (PlacementState.UNSIZED, PlacementState.SIZED):
        unplaced = select(Job.id).where(Job.placement == placement, *line.CAN_RUN).order_by(Job.id)
        found += session.scalars(unplaced.limit(_FIRST_IN_LINE))
    return found


def _oldest(session: Session, jobs: Sequence[UUID]) -> float:
    """Return how long the one of these jobs has been queued that has waited longest."""
    longest = select(func.extract("epoch", SEARCH_NOW - func.min(Job.queued_at))).where(Job.id.in_(jobs))
    return max(0.0, float(session.scalar(longest) or 0)) if jobs else 0.0
