"""The dispatcher's queries: which jobs to publish, which leases have expired, which workers are alive.

Any number of dispatchers may work at once: each locks the rows that it takes, and skips locked ones.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from jobs.states import ENDED, HELD, JobState, PlacementState
from jobs.tables import NOW, SEARCH_NOW, Dispatcher, Job, Lease, Queue, Worker

TAKES_JOBS = (Worker.quarantined_at.is_(None), Worker.cordoned_at.is_(None))
"""The conditions of a worker that takes jobs, if it is alive."""

_MOST_LOOKED_AT = 5_000

_QUEUED = Job.state == JobState.QUEUED
_Computing = aliased(Job)
# A job that is blocked on another is not published before the other has published its result or ended.
# The other job is looked up by its key, for blocked jobs alone: of NOT EXISTS the planner makes a join that
# reads the whole queue.
_UNBLOCKED = Job.blocked_on.is_(None) | (
    select(_Computing.state.in_(ENDED)).where(_Computing.id == Job.blocked_on).scalar_subquery()
)

# A check that hangs must not keep a job for ever: its worker checks everything again.
_CHECKED = or_(~Job.checks_pending, Job.queued_at < SEARCH_NOW - timedelta(minutes=1))
_FITS_A_CLASS = Job.placement != PlacementState.UNSCHEDULABLE
_DUE = or_(Job.next_try_at.is_(None), Job.next_try_at <= SEARCH_NOW)


@dataclass(frozen=True, slots=True)
class Orders:
    """What its row tells a worker, with each heartbeat."""

    quarantined: bool
    cordoned: bool
    draining: bool


@dataclass(frozen=True, slots=True)
class ExpiredLease:
    """A job whose lease has expired."""

    job_id: UUID
    lease_token: UUID
    worker: str | None


@dataclass(frozen=True, slots=True)
class Unchecked:
    """A queued job whose files nobody has looked at."""

    job_id: UUID
    owner: str
    stored_spec: dict[str, Any]


def unchecked(session: Session, limit: int) -> Sequence[Unchecked]:
    """Return queued jobs whose files are still to be looked at, the oldest first."""
    rows = session.execute(
        select(Job.id, Job.owner, Job.spec).where(_QUEUED, Job.checks_pending).order_by(Job.id).limit(limit)
    )
    return [Unchecked(row.id, row.owner, row.spec) for row in rows]


def held_for_checks(session: Session, job_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these jobs are not dispatched before their files have been looked at."""
    return set(session.scalars(select(Job.id).where(Job.id.in_(job_ids), ~_CHECKED))) if job_ids else set()


def checked(session: Session, job_id: UUID) -> None:
    """Record that a job's files were looked at: it may be dispatched."""
    session.execute(update(Job).where(Job.id == job_id).values(checks_pending=False))


def paused_queues(session: Session) -> set[str]:
    """Return the queues whose jobs no worker may claim."""
    return set(session.scalars(select(Queue.name).where(Queue.paused_at.is_not(None))))


def waiting_queues(session: Session) -> Sequence[str]:
    """Return the queues that have a queued job and are not paused.

    Reads one row of each: DISTINCT would read the backlog.
    """
    first = select(Job.queue).where(_QUEUED).order_by(Job.queue).limit(1)
    found = select(first.scalar_subquery().label("queue")).cte("found", recursive=True)
    following = first.where(Job.queue > found.c.queue).scalar_subquery()
    found = found.union_all(select(following).where(found.c.queue.is_not(None)))
    queues = session.scalars(select(found.c.queue))
    paused = paused_queues(session)
    return [queue for queue in queues if queue is not None and queue not in paused]


def reads(queue: str) -> ColumnElement[bool]:
    """Whether a worker reads a queue: its class, or another one that it was told to read."""
    return or_(Worker.queue == queue, Worker.queues.contains([queue]))


def live_workers(session: Session, queue: str, seen_within: float) -> int:
    """Return how many workers of a queue take jobs and sent a heartbeat in the last `seen_within` seconds."""
    return session.scalars(
        select(func.count()).where(
            reads(queue),
            *TAKES_JOBS,
            Worker.seen_at > SEARCH_NOW - timedelta(seconds=seen_within),
        )
    ).one()


def dispatched(session: Session, queue: str) -> int:
    """Return how many jobs of a queue are published and not yet claimed. Reads these alone."""
    return session.scalars(
        select(func.count()).where(_QUEUED, Job.queue == queue, Job.dispatched_at.is_not(None))
    ).one()


def in_line(queue: str) -> Select[UUID]:
    """Return the query for the queued jobs of a queue that can run, the next one first."""
    can_run = (_FITS_A_CLASS, _UNBLOCKED, _CHECKED, _DUE)
    return select(Job.id).where(_QUEUED, Job.queue == queue, *can_run).order_by(Job.id)


def can_be_taken(session: Session, queue: str) -> bool:
    """Return whether a worker could claim a job of a queue now."""
    runs = queue not in paused_queues(session)
    return runs and session.scalar(in_line(queue).limit(1)) is not None


def take_undispatched(session: Session, queue: str, limit: int) -> Sequence[UUID]:
    """Lock up to `limit` queued jobs that are not published, the oldest first.

    A job that a worker has returned keeps its place: the order is that of submission.
    """
    return _take(session, queue, Job.dispatched_at.is_(None), limit)


def take_stale(session: Session, queue: str, older_than: float, limit: int) -> Sequence[UUID]:
    """Lock up to `limit` queued jobs that were published more than `older_than` seconds ago."""
    return _take(session, queue, Job.dispatched_at < SEARCH_NOW - timedelta(seconds=older_than), limit)


def mark_dispatched(session: Session, job_ids: Sequence[UUID]) -> None:
    """Record that the jobs were published now."""
    session.execute(update(Job).where(Job.id.in_(job_ids), _QUEUED).values(dispatched_at=NOW))


def expired_leases(session: Session, limit: int) -> Sequence[ExpiredLease]:
    """Return jobs whose lease has expired, the longest expired first.

    Of leases that were extended, the next look is put off until they would expire now: so each is read once
    in the time of a lease, and heartbeats change no index.
    """
    due = (
        select(Lease.job_id).where(Lease.look_at < SEARCH_NOW).order_by(Lease.look_at).limit(_MOST_LOOKED_AT)
    )
    session.execute(
        update(Lease)
        .where(Lease.job_id.in_(due.with_for_update(skip_locked=True)), Lease.expires_at > Lease.look_at)
        .values(look_at=Lease.expires_at)
        .execution_options(synchronize_session=False)
    )
    held = select(Job.id, Job.lease_token, Job.worker).where(Job.state.in_(HELD))
    expired = (
        held.join(Lease, (Lease.job_id == Job.id) & (Lease.token == Job.lease_token))
        .where(Lease.look_at < SEARCH_NOW, Lease.expires_at < SEARCH_NOW)
        .order_by(Lease.look_at)
    )
    of_the_last_release = held.where(Job.lease_expires_at < SEARCH_NOW).order_by(Job.lease_expires_at)
    rows = [
        *session.execute(expired.limit(limit)),
        *session.execute(of_the_last_release.limit(limit)),
    ]
    return [ExpiredLease(row.id, row.lease_token, row.worker) for row in rows]


def lease_of(session: Session, worker: str, job_id: UUID) -> UUID | None:
    """Return the lease token under which a worker holds a job, or None if it does not."""
    return session.scalar(
        select(Job.lease_token).where(Job.id == job_id, Job.worker == worker, Job.state.in_(HELD))
    )


def is_held(session: Session, job_id: UUID) -> bool:
    """Return whether any worker holds the job."""
    held = select(Job.id).where(Job.id == job_id, Job.state.in_(HELD))
    return session.scalar(held) is not None


def worker_seen(session: Session, name: str, queue: str) -> Orders:
    """Record the heartbeat of a worker. Returns what its row tells it."""
    row = session.execute(
        insert(Worker)
        .values(name=name, queue=queue)
        .on_conflict_do_update(index_elements=[Worker.name], set_={"seen_at": NOW})
        .returning(Worker.quarantined_at, Worker.cordoned_at, Worker.draining)
    ).one()
    return Orders(row.quarantined_at is not None, row.cordoned_at is not None, row.draining)


def worker_gone(session: Session, name: str) -> None:
    """Remove a worker that shuts down."""
    session.execute(delete(Worker).where(Worker.name == name))


def dispatcher_seen(session: Session, name: str) -> None:
    """Record the heartbeat of a dispatcher."""
    session.execute(
        insert(Dispatcher)
        .values(name=name)
        .on_conflict_do_update(index_elements=[Dispatcher.name], set_={"seen_at": NOW})
    )


def forget_the_silent(session: Session, unseen_for: float) -> None:
    """Remove workers and dispatchers without a heartbeat for `unseen_for` seconds.

    One that is killed does not remove itself.
    """
    before = SEARCH_NOW - timedelta(seconds=unseen_for)
    session.execute(delete(Worker).where(Worker.seen_at < before))
    session.execute(delete(Dispatcher).where(Dispatcher.seen_at < before))


def _take(session: Session, queue: str, condition: ColumnElement[bool], limit: int) -> Sequence[UUID]:
    query = in_line(queue).where(condition).limit(limit)
    return session.scalars(query.with_for_update(skip_locked=True)).all()
