"""Which jobs of a queue are next, by the rule of `jobs.fleet.turns`.

Of each owner in line its first job is read, and of those whose turn it is as many as have one: never the
whole backlog.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Numeric,
    Text,
    and_,
    cast,
    column,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session, aliased

from jobs.fleet.selecting import each_value, table_of
from jobs.fleet.turns import Line, Share, Turn, Waiting, turns
from jobs.lifecycle import usage
from jobs.placement.classes import Capacity, largest
from jobs.states import ENDED, HELD, JobState, PlacementState
from jobs.tables import SEARCH_NOW, Job, OwnerShare, QueueTurn, RecentUse

_Computing = aliased(Job)
# A job that is blocked on another is not published before the other has published its result or ended.
# The other job is looked up by its key, for blocked jobs alone: of NOT EXISTS the planner makes a join that
# reads the whole queue.
_UNBLOCKED = Job.blocked_on.is_(None) | (
    select(_Computing.state.in_(ENDED)).where(_Computing.id == Job.blocked_on).scalar_subquery()
)

CHECKED = or_(~Job.checks_pending, Job.queued_at < SEARCH_NOW - timedelta(minutes=1))
"""A check that hangs must not keep a job for ever: its worker checks everything again."""

_DUE = or_(Job.next_try_at.is_(None), Job.next_try_at <= SEARCH_NOW)

QUEUED = Job.state == JobState.QUEUED
_FITS_A_CLASS = Job.placement != PlacementState.UNSCHEDULABLE
CAN_RUN = (QUEUED, _FITS_A_CLASS, _UNBLOCKED, CHECKED, _DUE)
"""The conditions of a queued job that a worker can run."""


@dataclass(frozen=True, slots=True)
class Next:
    """A job whose turn it is."""

    id: UUID
    crosses: bool
    """Whether it goes ahead of an owner whose turn it is."""


@dataclass(frozen=True, slots=True)
class InLine:
    """The next jobs of a queue that are not published, the first one first, and who is in line."""

    jobs: list[Next]
    shares: dict[str, Share]
    """By owner."""
    lines: dict[str, Line]
    """By owner, as far as they were read."""
    limit: int
    """How many of `jobs` there are at most."""
    crossed: bool | None = None
    """Whether the job before them went ahead of others; None where nobody in line may."""

    def with_job(self, owner: str, job: Waiting) -> "InLine | None":
        """Return the same with one more job that can run; None where jobs that were not read may come up."""
        if owner not in self.shares:
            return None
        line = self.lines[owner].with_job(job)
        if line is self.lines[owner]:
            return self
        shares, lines = [*self.shares.values()], self.lines | {owner: line}
        chosen = _chosen(shares, lines, self.limit, self.crossed)
        # One of a high priority changes whose turn is first, and with it how many of each owner are in line.
        return None if _unread(chosen, lines) else _in_line(chosen, shares, lines, self.limit, self.crossed)

    def is_at_limit(self, owner: str) -> bool:
        """Whether as many of the owner's jobs run as may at once."""
        return owner in self.shares and self.shares[owner].may_begin == 0

    def is_over_share(self, owner: str) -> bool:
        """Whether another owner in line has fewer jobs running or published, for its weight."""
        others = [share.in_use / share.weight for share in self.shares.values() if share.may_begin != 0]
        own = self.shares.get(owner)
        return own is not None and bool(others) and own.in_use / own.weight > min(others)


def fit_any(has: Iterable[Capacity | None]) -> ColumnElement[bool]:
    """Return the condition of a job that fits any of these workers, as `jobs.placement.classes.fits_any`."""
    decisive = largest(has)
    if None in decisive:
        return true()
    return or_(Job.needs.is_(None), *(_fits(capacity) for capacity in decisive if capacity is not None))


def _fits(capacity: Capacity) -> ColumnElement[bool]:
    def needs_at_most(name: str, has: int) -> ColumnElement[bool]:
        return func.coalesce(cast(Job.needs[name].astext, Numeric), 0) <= has

    on_gpu = needs_at_most("device_bytes", capacity.device_bytes) & needs_at_most(
        "host_bytes", capacity.host_bytes
    )
    return and_(
        needs_at_most("gpus", capacity.gpus),
        needs_at_most("scratch_bytes", capacity.scratch_bytes),
        on_gpu if capacity.gpus else needs_at_most("cpu_bytes", capacity.host_bytes),
    )


def in_line(session: Session, queue: str, limit: int, *which: ColumnElement[bool]) -> InLine:
    """Return the next jobs of a queue that are not published, at most `limit`; of those that `which` says."""
    shares = shares_of(session, queue, _owners_in_line(session, queue))
    lines = _first_jobs(session, queue, {share.owner: 1 for share in shares}, which)
    crossed = _has_crossed(session, queue) if any(share.may_cross for share in shares) else None
    while unread := _unread(chosen := _chosen(shares, lines, limit, crossed), lines):
        lines |= _first_jobs(session, queue, unread, which)
    return _in_line(chosen, shares, lines, limit, crossed)


def _in_line(
    chosen: Iterable[Turn],
    shares: Sequence[Share],
    lines: Mapping[str, Line],
    limit: int,
    crossed: bool | None,
) -> InLine:
    jobs = [Next(lines[turn.owner].jobs[turn.place].id, turn.crosses) for turn in chosen]
    known = {share.owner: share for share in shares if lines[share.owner].jobs}
    return InLine(jobs, known, {owner: lines[owner] for owner in known}, limit, crossed)


def _chosen(
    shares: Sequence[Share], lines: Mapping[str, Line], limit: int, crossed: bool | None
) -> list[Turn]:
    return list(islice(turns(shares, lines, bool(crossed)), limit))


def first_of_each(session: Session, queue: str) -> list[UUID]:
    """Return of each owner in line the first job that can run, if one more of its jobs may begin."""
    shares = shares_of(session, queue, _owners_in_line(session, queue))
    may_begin = {share.owner: 1 for share in shares if share.may_begin != 0}
    lines = _first_jobs(session, queue, may_begin, ())
    return [waiting.id for each in lines.values() for waiting in each.jobs]


def take(session: Session, queue: str, limit: int, *which: ColumnElement[bool]) -> list[UUID]:
    """Lock the next jobs of a queue that are not published, at most `limit`, the first one first.

    `which`: conditions that they meet.

    One that another transaction has locked is left out. What is returned counts as published for the rule
    that none goes ahead of other owners' turns twice in a row.
    """
    first = in_line(session, queue, limit, *which)
    ids = [job.id for job in first.jobs]
    free = select(Job.id).where(Job.id.in_(ids), QUEUED, Job.dispatched_at.is_(None))
    locked = set(session.scalars(free.with_for_update(skip_locked=True))) if ids else set()
    crossed = bool(first.crossed)
    taken = []
    for job in first.jobs:
        if job.id in locked and not (job.crosses and crossed):
            taken.append(job.id)
            crossed = job.crosses
    if taken and crossed != first.crossed:
        _remember(session, queue, crossed)
    return taken


def shares_of(session: Session, queue: str, owners: Sequence[str]) -> list[Share]:
    """Return the shares of these owners in a queue."""
    if not owners:
        return []
    in_use = _in_use(session, owners)
    everywhere: Counter[str] = Counter()
    for (owner, _), count in in_use.items():
        everywhere[owner] += count
    wanted = table_of(owners)
    recent = RecentUse.owner == wanted.c.owner, RecentUse.queue == queue
    rows = session.execute(
        select(
            wanted.c.owner,
            func.coalesce(OwnerShare.weight, 1.0).label("weight"),
            OwnerShare.most_running,
            func.coalesce(OwnerShare.may_cross, False).label("may_cross"),
            func.coalesce(usage.counted_now(SEARCH_NOW), 0.0).label("recent_seconds"),
        )
        .select_from(wanted)
        .outerjoin(OwnerShare, OwnerShare.owner == wanted.c.owner)
        .outerjoin(RecentUse, recent[0] & recent[1])
    )
    return [
        Share(
            row.owner,
            row.weight,
            in_use[row.owner, queue],
            everywhere[row.owner],
            row.recent_seconds,
            None if row.most_running is None else max(0, row.most_running - everywhere[row.owner]),
            row.may_cross,
        )
        for row in rows
    ]


def _owners_in_line(session: Session, queue: str) -> Sequence[str]:
    """Return the owners of unpublished jobs."""
    return each_value(session, Job.owner, Job.queue == queue, QUEUED, Job.dispatched_at.is_(None))


def _first_jobs(
    session: Session, queue: str, depths: Mapping[str, int], which: Sequence[ColumnElement[bool]]
) -> dict[str, Line]:
    """Return the first jobs of each owner, as many as `depths` says, of those that `which` says."""
    if not depths:
        return {}
    wanted = func.unnest(cast([*depths], ARRAY(Text)), cast([*depths.values()], ARRAY(Integer)))
    owners = wanted.table_valued(column("owner", Text), column("depth", Integer)).render_derived()
    first = (
        select(Job.id, Job.priority)
        .where(Job.queue == queue, Job.owner == owners.c.owner, Job.dispatched_at.is_(None), *CAN_RUN, *which)
        .order_by(Job.priority.desc(), Job.id)
        .limit(owners.c.depth)
        .lateral()
    )
    found: dict[str, list[Waiting]] = {owner: [] for owner in depths}
    query = select(owners.c.owner, first.c.id, first.c.priority).join_from(owners, first, true())
    for row in session.execute(query):
        found[row.owner].append(Waiting(row.id, row.priority))
    return {owner: Line(jobs, len(jobs) < depths[owner]) for owner, jobs in found.items()}


def _unread(chosen: Iterable[Turn], lines: Mapping[str, Line]) -> dict[str, int]:
    """Return how many jobs must be read of each owner of which more are needed than were."""
    needed = Counter(turn.owner for turn in chosen)
    return {owner: count for owner, count in needed.items() if count > len(lines[owner].jobs)}


def _in_use(session: Session, owners: Sequence[str]) -> Counter[tuple[str, str]]:
    """Return by owner and queue how many of these owners' jobs run, or are published."""
    held = select(Job.owner, Job.queue).where(Job.state.in_(HELD), Job.owner.in_(owners))
    published = select(Job.owner, Job.queue).where(QUEUED, Job.dispatched_at.is_not(None))
    counts: Counter[tuple[str, str]] = Counter()
    for jobs in (held, published):
        for owner, queue, count in session.execute(
            jobs.add_columns(func.count()).group_by(Job.owner, Job.queue)
        ):
            counts[owner, queue] += count
    return counts


def _has_crossed(session: Session, queue: str) -> bool:
    return bool(session.scalar(select(QueueTurn.crossed).where(QueueTurn.queue == queue)))


def _remember(session: Session, queue: str, crossed: bool) -> None:
    """Remember whether the last job went ahead of others. No row is written before one has."""
    if not crossed:
        went_ahead = (QueueTurn.queue == queue, QueueTurn.crossed)
        session.execute(update(QueueTurn).where(*went_ahead).values(crossed=False))
        return
    session.execute(
        insert(QueueTurn)
        .values(queue=queue, crossed=crossed)
        .on_conflict_do_update(index_elements=[QueueTurn.queue], set_={"crossed": crossed})
    )
