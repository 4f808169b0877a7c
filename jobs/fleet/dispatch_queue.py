"""The dispatcher's queries: which jobs to publish, which leases have expired, which workers are alive.

Any number of dispatchers may work at once: each locks the rows that it takes, and skips locked ones.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.fleet import line
from jobs.fleet.selecting import each_value, is_alive
from jobs.hints import hints
from jobs.placement.classes import Capacity
from jobs.states import HELD, PlacementState
from jobs.tables import NOW, SEARCH_NOW, Dispatcher, Job, Lease, Queue, Worker

TAKES_JOBS = (Worker.quarantined_at.is_(None), Worker.cordoned_at.is_(None))
"""The conditions of a worker that takes jobs, if it is alive."""

_REMEMBERED = (
    *(Worker.queue, Worker.queues, Worker.capacity, Worker.one_job, Worker.machine, Worker.sandbox),
    *(Worker.started_at, Worker.cordoned_at, Worker.draining),
)
_MOST_LOOKED_AT = 5_000
_PUBLISHING = 0x7075626C697368  # distinguishes this advisory lock from others


@dataclass(frozen=True, slots=True)
class Orders:
    """What its row tells a worker, with each heartbeat."""

    quarantined: bool
    cordoned: bool
    draining: bool
    row: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What was known of the worker: it says so again where it was forgotten."""


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
        select(Job.id, Job.owner, Job.spec)
        .where(line.QUEUED, Job.checks_pending)
        .order_by(Job.id)
        .limit(limit)
    )
    return [Unchecked(row.id, row.owner, row.spec) for row in rows]


def held_for_checks(session: Session, job_ids: Collection[UUID]) -> set[UUID]:
    """Return which of these jobs are not dispatched before their files have been looked at."""
    return (
        set(session.scalars(select(Job.id).where(Job.id.in_(job_ids), ~line.CHECKED))) if job_ids else set()
    )


def checked(session: Session, job_id: UUID) -> None:
    """Record that a job's files were looked at: it may be dispatched."""
    pending = update(Job).where(Job.id == job_id, Job.checks_pending).values(checks_pending=False)
    if session.scalar(pending.returning(Job.id)) is not None:  # else another dispatcher has done it, and told
        hints.give(session, hints.DISPATCH)


def paused_queues(session: Session) -> set[str]:
    """Return the queues whose jobs no worker may claim."""
    return set(session.scalars(select(Queue.name).where(Queue.paused_at.is_not(None))))


def waiting_queues(session: Session) -> Sequence[str]:
    """Return the queues that have a queued job and are not paused."""
    paused = paused_queues(session)
    return [queue for queue in each_value(session, Job.queue, line.QUEUED) if queue not in paused]


def publishes_alone(session: Session) -> bool:
    """Whether no other dispatcher publishes until this transaction ends.

    Two that did so at once would both count the same workers as idle, and the same jobs of an owner.
    """
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_PUBLISHING))))


def reads(queue: str) -> ColumnElement[bool]:
    """Whether a worker reads a queue: its class, or another one that it was told to read."""
    return or_(Worker.queue == queue, Worker.queues.contains([queue]))


@dataclass(frozen=True, slots=True)
class Idle:
    """Idle workers that are alike: the queues that they read, their class first, and what they have."""

    queues: Sequence[str]
    has: Capacity | None
    """None: they have not said it."""
    count: int
    one_job: bool = False
    """Whether they end after one job."""


def idle_workers(session: Session, seen_within: float) -> list[Idle]:
    """Return the workers that take jobs, sent a heartbeat of late, and hold no job.

    Of late: in the last `seen_within` seconds.
    """
    holds = exists().where(Job.worker == Worker.name, Job.state.in_(HELD))
    alike = Worker.queues_read, Worker.capacity, Worker.one_job
    # The few idle ones are found before they are grouped: to compare what all of 10,000 have takes five times
    # as long.
    rows = session.execute(
        select(*alike, func.count()).where(*TAKES_JOBS, is_alive(seen_within), ~holds).group_by(*alike)
    )
    return [
        Idle(queues, None if stored is None else Capacity.model_validate(stored), count, one_job)
        for queues, stored, one_job, count in rows
    ]


def idle_in(idle: Iterable[Idle], queue: str, *, of_others: Collection[str] = ()) -> Counter[Capacity | None]:
    """Return how many of these workers are of the class of a queue, by what they have.

    With those of the classes `of_others` that read the queue as well.
    """
    found: Counter[Capacity | None] = Counter()
    for alike in idle:
        own, *further = alike.queues
        if own == queue or (own in of_others and queue in further):
            found[alike.has] += alike.count
    return found


def dispatched(session: Session, queue: str) -> int:
    """Return how many jobs of a queue are published and not yet claimed. Reads these alone."""
    return session.scalars(
        select(func.count()).where(line.QUEUED, Job.queue == queue, Job.dispatched_at.is_not(None))
    ).one()


def published(session: Session, queue: str, limit: int, *which: ColumnElement[bool]) -> Sequence[UUID]:
    """Return up to `limit` jobs of a queue that are published and not yet claimed, the oldest first.

    `which`: conditions that they meet.
    """
    query = (
        select(Job.id)
        .where(Job.queue == queue, Job.dispatched_at.is_not(None), *line.CAN_RUN, *which)
        .order_by(Job.dispatched_at, Job.id)
    )
    return session.scalars(query.limit(limit)).all()


def can_be_taken(session: Session, queue: str, has: Capacity | None) -> bool:
    """Return whether a worker that has so much could claim a job of a queue now."""
    if queue in paused_queues(session):
        return False
    fits = line.fit_any([has])
    # Those in line first: one that is published in between is found as such.
    return bool(line.in_line(session, queue, 1, fits).jobs or published(session, queue, 1, fits))


def take_undispatched(
    session: Session, queue: str, limit: int, has: Collection[Capacity | None] | None = None
) -> Sequence[UUID]:
    """Lock up to `limit` queued jobs that are not published, in the order of `jobs.fleet.turns`.

    `has`: what workers have, of which a job must fit one; None for any job.

    A job that a worker has returned keeps its place among its owner's jobs: that of its submission.
    """
    return line.take(session, queue, limit, *(() if has is None else (line.fit_any(has),)))


def take_for_larger(
    session: Session, queue: str, limit: int, has: Collection[Capacity | None]
) -> Sequence[UUID]:
    """Lock up to `limit` unpublished jobs of a class that have never run, in their order, for a larger one.

    `has`: what the larger one's workers have, all of which a job must fit.
    """
    never_ran = (Job.placement == PlacementState.PLACED, Job.attempt == 0)
    return line.take(session, queue, limit, *never_ran, *(line.fit_any([one]) for one in has))


def take_stale(session: Session, queue: str, older_than: float, limit: int) -> Sequence[UUID]:
    """Lock up to `limit` queued jobs that were published more than `older_than` seconds ago."""
    published_before = Job.dispatched_at < SEARCH_NOW - timedelta(seconds=older_than)
    query = select(Job.id).where(Job.queue == queue, published_before, *line.CAN_RUN).order_by(Job.id)
    return session.scalars(query.limit(limit).with_for_update(skip_locked=True)).all()


def mark_dispatched(session: Session, job_ids: Sequence[UUID]) -> None:
    """Record that the jobs were published now."""
    session.execute(update(Job).where(Job.id.in_(job_ids), line.QUEUED).values(dispatched_at=NOW))


def is_silent(session: Session, worker: str | None, seconds: float) -> bool:
    """Whether a worker has sent no heartbeat in the last `seconds`, or is not registered."""
    return session.scalar(select(Worker.name).where(Worker.name == worker, is_alive(seconds))) is None


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
    expired = (
        select(Job.id, Job.lease_token, Job.worker)
        .join(Lease, (Lease.job_id == Job.id) & (Lease.token == Job.lease_token))
        .where(Job.state.in_(HELD), Lease.look_at < SEARCH_NOW, Lease.expires_at < SEARCH_NOW)
        .order_by(Lease.look_at)
    )
    rows = session.execute(expired.limit(limit))
    return [ExpiredLease(row.id, row.lease_token, row.worker) for row in rows]


def worker_seen(session: Session, name: str, queue: str, before: Orders | None = None) -> Orders:
    """Record the heartbeat of a worker. Returns what its row tells it.

    `before`: what the last one told it. A worker that was silent for so long that it was forgotten gets a row
    that says the same, its class and a cordon among it.
    """
    row = session.execute(
        insert(Worker)
        .values(name=name, queue=queue)
        .on_conflict_do_update(index_elements=[Worker.name], set_={"seen_at": NOW})
        .returning(Worker.quarantined_at, *_REMEMBERED)
    ).one()
    known = {column.key: getattr(row, column.key) for column in _REMEMBERED}
    if before is not None and before.row and before.row["started_at"] != row.started_at:
        known = dict(before.row)
        session.execute(
            update(Worker)
            .where(Worker.name == name)
            .values({key: null() if value is None else value for key, value in known.items()})
        )
    return Orders(row.quarantined_at is not None, known["cordoned_at"] is not None, known["draining"], known)


def worker_gone(session: Session, name: str) -> None:
    """Remove a worker that shuts down."""
    session.execute(delete(Worker).where(Worker.name == name))


def dispatcher_seen(session: Session, name: str, *, reaches_broker: bool = True) -> None:
    """Record the heartbeat of a dispatcher, and whether the broker answers it."""
    away = null() if reaches_broker else NOW
    since = null() if reaches_broker else func.coalesce(Dispatcher.broker_away_since, NOW)
    session.execute(
        insert(Dispatcher)
        .values(name=name, broker_away_since=away)
        .on_conflict_do_update(
            index_elements=[Dispatcher.name], set_={"seen_at": NOW, "broker_away_since": since}
        )
    )


def forget_the_silent(session: Session, unseen_for: float) -> None:
    """Remove workers and dispatchers without a heartbeat for `unseen_for` seconds.

    One that is killed does not remove itself.
    """
    before = SEARCH_NOW - timedelta(seconds=unseen_for)
    session.execute(delete(Worker).where(Worker.seen_at < before))
    session.execute(delete(Dispatcher).where(Dispatcher.seen_at < before))
