"""How the service stands, for its operators: what waits, since when, and who works on it.

One scheduler reads it for all, every few seconds. Nothing is read that grows with the jobs that have ended;
queued jobs are counted in their index, and no more than `MOST_COUNTED` of them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from jobs.queue import line, workers
from jobs.queue.overview import NO_CLASS, WorkerState, queued_jobs
from jobs.queue.workers import Fleet, is_alive
from jobs.states import HELD, OPEN, JobState
from jobs.tables import SEARCH_NOW, Job, Worker
from jobs.webhooks import outbox

MOST_COUNTED = 100_000
"""Queued jobs that are counted: with more, the figures are too small."""
MOST_OWNERS = 100
"""Owners that are counted apart."""
OTHERS = "(others)"
"""All owners beyond these."""
_FIRST_IN_LINE = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """A snapshot of the queues."""

    jobs: Mapping[tuple[str, str], int]
    """Jobs that have not ended, by state and class; queued ones that fit no live worker at `NO_CLASS`."""
    queued: Mapping[tuple[str, str], int]
    """Queued jobs by class and owner."""
    oldest_seconds: Mapping[str, float]
    """By class, how long the first jobs in line have been queued, the longest of them."""
    workers: Mapping[tuple[str, str], int]
    """Registered workers by class and state; a cordoned one as that."""
    webhooks_due: int
    oldest_webhook_seconds: float


def standing(session: Session, seen_within: float) -> Standing:
    """Read how the service stands. A worker without a heartbeat for `seen_within` seconds is silent."""
    fleet = workers.fleet(session, seen_within)
    queued = queued_jobs(session, fleet, MOST_COUNTED)
    jobs: Counter[tuple[str, str]] = Counter()
    for (name, _), count in queued.items():
        jobs[str(JobState.QUEUED), name] += count
    held = select(Job.state, func.coalesce(Job.worker_class, NO_CLASS), func.count())
    for state, name, count in session.execute(
        held.where(Job.state.in_(HELD)).group_by(Job.state, Job.worker_class)
    ):
        jobs[str(state), name] += count
    registered = _workers(session, seen_within)
    served = {name for name, _ in registered}  # whose figures are zero where nothing waits, and not missing
    due, oldest = outbox.backlog(session)
    nothing = {(str(state), name): 0 for state in OPEN for name in served}
    return Standing(
        jobs=nothing | {(str(JobState.QUEUED), NO_CLASS): 0} | jobs,
        queued=_merge_small_owners(queued),
        oldest_seconds=dict.fromkeys(served, 0.0) | _oldest_of_each(session, fleet),
        workers=registered,
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
    rows = session.execute(select(Worker.queue, state, func.count()).group_by(Worker.queue, state))
    return Counter({(queue, str(found)): count for queue, found, count in rows})


def _merge_small_owners(queued: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Sum the owners with the fewest queued jobs up, where there are too many to be listed each."""
    in_all: Counter[str] = Counter()
    for (_, owner), count in queued.items():
        in_all[owner] += count
    known = {owner for owner, _ in in_all.most_common(MOST_OWNERS)}
    found: Counter[tuple[str, str]] = Counter()
    for (queue, owner), count in queued.items():
        found[queue, owner if owner in known else OTHERS] += count
    return found


def _oldest_of_each(session: Session, fleet: Fleet) -> dict[str, float]:
    """Return by class how long the first jobs in line have waited, the longest of them.

    What waits for something else, or for jobs of its owner, is not in line.
    """
    groups = line.groups(session)
    found = {}
    for name in {fleet.own_class(group.needs) for group in groups}:
        among = [group for group in groups if fleet.own_class(group.needs) == name]
        first = line.in_line(session, name or NO_CLASS, among, _FIRST_IN_LINE)
        found[name or NO_CLASS] = _oldest(session, [job.id for job in first.jobs])
    return found


def _oldest(session: Session, jobs: Sequence[UUID]) -> float:
    """Return how long the one of these jobs has been queued that has waited longest."""
    longest = select(func.extract("epoch", SEARCH_NOW - func.min(Job.queued_at))).where(Job.id.in_(jobs))
    return max(0.0, float(session.scalar(longest) or 0)) if jobs else 0.0
