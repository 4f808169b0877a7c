"""How the service stands, for its operators: what waits, since when, and who works on it.

One dispatcher reads it for all, every few seconds. Nothing is read that grows with the jobs that have ended;
queued jobs are counted in their index, and no more than `MOST_COUNTED` of them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.fleet import dispatch_queue, line, overview
from jobs.states import HELD, OPEN, JobState
from jobs.tables import SEARCH_NOW, Job
from jobs.webhooks import outbox

MOST_COUNTED = 100_000
"""Queued jobs that are counted: with more, the figures are too small."""
MOST_OWNERS = 100
"""Owners that are told apart."""
OTHERS = "(others)"
"""All owners beyond these."""

_FIRST_IN_LINE = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """What was read at one moment."""

    jobs: Mapping[tuple[str, str], int]
    """Jobs that have not ended, by state and queue."""
    queued: Mapping[tuple[str, str], int]
    """Queued jobs by queue and owner."""
    oldest_seconds: Mapping[str, float]
    """By queue, how long the first jobs in line have been queued, the longest of them."""
    workers: Mapping[tuple[str, str], int]
    """Registered workers by queue and state, each at every queue that it reads."""
    webhooks_due: int
    oldest_webhook_seconds: float


def standing(session: Session, seen_within: float) -> Standing:
    """Read how the service stands. A worker without a heartbeat for `seen_within` seconds is silent."""
    queued = _queued(session)
    jobs = Counter({(str(JobState.QUEUED), queue): 0 for queue, _ in queued})
    for (queue, _), count in queued.items():
        jobs[str(JobState.QUEUED), queue] += count
    held = select(Job.state, Job.queue, func.count()).where(Job.state.in_(HELD))
    for state, queue, count in session.execute(held.group_by(Job.state, Job.queue)):
        jobs[str(state), queue] += count
    workers = Counter(
        (queue, str(seen.state))
        for seen in overview.workers(session, seen_within)
        for queue in seen.worker.queues or [seen.worker.queue]
    )
    waiting = {queue: _oldest(session, queue) for queue in dispatch_queue.waiting_queues(session)}
    due, oldest = outbox.backlog(session)
    served = {queue for queue, _ in workers}  # whose figures are zero where nothing waits, and not missing
    return Standing(
        jobs={(str(state), queue): 0 for state in OPEN for queue in served} | jobs,
        queued=_of_few_owners(queued),
        oldest_seconds=dict.fromkeys(served, 0.0) | waiting,
        workers=workers,
        webhooks_due=due,
        oldest_webhook_seconds=oldest,
    )


def _queued(session: Session) -> dict[tuple[str, str], int]:
    counted = select(Job.queue, Job.owner).where(Job.state == JobState.QUEUED).limit(MOST_COUNTED).subquery()
    rows = select(counted.c.queue, counted.c.owner, func.count()).group_by(counted.c.queue, counted.c.owner)
    return {(queue, owner): count for queue, owner, count in session.execute(rows)}


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


def _oldest(session: Session, queue: str) -> float:
    """Return how long the oldest jobs in line have waited. Who waits for something else is not in line."""
    in_line = select(Job.id).where(Job.queue == queue, *line.CAN_RUN).order_by(Job.id)
    first = in_line.limit(_FIRST_IN_LINE).subquery()
    longest = func.extract("epoch", SEARCH_NOW - func.min(Job.queued_at))
    waited = session.scalar(select(longest).where(Job.id.in_(select(first.c.id))))
    return max(0.0, float(waited or 0))
