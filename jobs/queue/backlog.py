"""The backlog: queued jobs that are to be sized, and whose turn is next of the others.

The order is the rule of `jobs.queue.turns`. Jobs of one owner with equal needs form a group, and an index has
the queued jobs by group: whether workers may run its jobs is decided once for a group, and only the first
jobs of each are read, never the whole queue.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    cast,
    column,
    func,
    or_,
    select,
    text,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.selectable import NamedFromClause

from jobs import limits
from jobs.lifecycle import usage
from jobs.notify import QUEUE, notify_on_commit
from jobs.queue.resources import Needs, needs_of
from jobs.queue.turns import OwnerHead, QueuedJob, Share, Turn, turns
from jobs.states import HELD, JobState
from jobs.tables import SEARCH_NOW, Job, OwnerShare, RecentUse

_OUTAGE_PAUSE_SECONDS = 180.0  # between two tries: by then the outage has lasted for minutes


def is_computing(job: type[Job]) -> ColumnElement[bool]:
    """Return the condition of a job that others wait for: a worker holds it, or will soon.

    One that cannot run does not keep the others waiting: too large, of a paused queue, without the Hub.
    """
    went_back = SEARCH_NOW - timedelta(seconds=limits.RESUME_SECONDS)
    is_tried_soon = job.next_try_at - job.queued_at < timedelta(seconds=_OUTAGE_PAUSE_SECONDS)
    will_soon = (job.queued_at > went_back) & (job.next_try_at.is_(None) | is_tried_soon)
    return job.state.in_(HELD) | ((job.state == JobState.QUEUED) & will_soon)


_Computing = aliased(Job)
# The other job is looked up by its key, for blocked jobs alone: of NOT EXISTS the planner makes a join that
# reads the whole queue.
_UNBLOCKED = Job.blocked_on.is_(None) | (
    select(~is_computing(_Computing)).where(_Computing.id == Job.blocked_on).scalar_subquery()
)

_DUE = or_(Job.next_try_at.is_(None), Job.next_try_at <= SEARCH_NOW)

QUEUED = Job.state == JobState.QUEUED
CAN_RUN = (QUEUED, Job.needs.is_not(None), _UNBLOCKED, _DUE)
"""The conditions of a queued job that a worker can run."""

# The first row of each group in the index, where DISTINCT would read all rows. Its job can run for certain if
# the row waits for nothing.
_GROUPS = text(
    """
    WITH RECURSIVE found AS (
      (SELECT queue_group, owner, needs, id, priority, blocked_on, next_try_at
       FROM jobs WHERE state = 'queued' AND needs IS NOT NULL
       ORDER BY queue_group, priority DESC, id LIMIT 1)
      UNION ALL
      SELECT following.* FROM found CROSS JOIN LATERAL (
        SELECT queue_group, owner, needs, id, priority, blocked_on, next_try_at
        FROM jobs
        WHERE state = 'queued' AND needs IS NOT NULL AND queue_group > found.queue_group
        ORDER BY queue_group, priority DESC, id LIMIT 1
      ) AS following
    )
    SELECT queue_group, owner, needs::text AS needs, id, priority,
      blocked_on IS NULL AND next_try_at IS NULL AS waits_for_nothing
    FROM found
    """
)

_UNSIZED = (QUEUED, Job.needs.is_(None))


@dataclass(frozen=True, slots=True)
class QueueGroup:
    """The queued jobs of one owner with equal needs."""

    key: int
    owner: str
    stored_needs: str
    first: QueuedJob | None
    """The first one that workers can run, if that is certain without reading the others."""

    @property
    def needs(self) -> Needs:
        """What each of its jobs needs."""
        return _parsed(self.stored_needs)


@lru_cache(maxsize=4096)
def _parsed(stored: str) -> Needs:
    return needs_of(json.loads(stored))


@dataclass(frozen=True, slots=True)
class NextJobs:
    """The next jobs for the workers of a queue, the first one first, and the shares of the owners in line."""

    jobs: list[UUID]
    shares: Mapping[str, Share]


def groups(session: Session) -> list[QueueGroup]:
    """Return the groups of the jobs that are queued and sized."""
    return [
        QueueGroup(key, owner, needs, QueuedJob(job_id, priority) if waits_for_nothing else None)
        for key, owner, needs, job_id, priority, waits_for_nothing in session.execute(_GROUPS)
    ]


def next_jobs(
    session: Session,
    queue: str,
    among: Collection[QueueGroup],
    limit: int,
    *,
    excluding: Collection[UUID] = (),
) -> NextJobs:
    """Return the next jobs, at most `limit`, of these groups, for the workers of a queue.

    `excluding`: jobs that are left out.
    """
    shares = shares_of(session, queue, sorted({group.owner for group in among}))
    lines = _first_jobs(session, among, dict.fromkeys((share.owner for share in shares), 1), excluding)
    while unread := _missing_depths(chosen := list(islice(turns(shares, lines), limit)), lines):
        lines |= _first_jobs(session, among, unread, excluding)
    jobs = [lines[turn.owner].jobs[turn.place].id for turn in chosen]
    return NextJobs(jobs, {share.owner: share for share in shares if lines[share.owner].jobs})


def shares_of(session: Session, queue: str, owners: Sequence[str]) -> list[Share]:
    """Return the shares of these owners in the workers of a queue."""
    if not owners:
        return []
    held = select(Job.owner, Job.queue, func.count()).where(Job.state.in_(HELD))
    in_use: Counter[str] = Counter()
    everywhere: Counter[str] = Counter()
    for owner, held_in, count in session.execute(held.group_by(Job.owner, Job.queue)):
        everywhere[owner] += count
        in_use[owner] += count if held_in == queue else 0
    wanted = owners_table(owners)
    recent = RecentUse.owner == wanted.c.owner, RecentUse.queue == queue
    rows = session.execute(
        select(
            wanted.c.owner,
            func.coalesce(OwnerShare.weight, 1.0).label("weight"),
            OwnerShare.max_running,
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
            in_use[row.owner],
            everywhere[row.owner],
            row.recent_seconds,
            None if row.max_running is None else max(0, row.max_running - everywhere[row.owner]),
        )
        for row in rows
    ]


def owners_table(owners: Sequence[str]) -> NamedFromClause:
    """Return a table of these owners, with the column `owner`: also of those without a row in any table."""
    return func.unnest(cast(owners, ARRAY(Text))).table_valued(column("owner", Text)).render_derived()


def _first_jobs(
    session: Session, among: Iterable[QueueGroup], depths: Mapping[str, int], excluding: Collection[UUID]
) -> dict[str, OwnerHead]:
    """Return the first jobs of each owner of these groups, as many as `depths` says."""
    found: dict[str, list[QueuedJob]] = defaultdict(list)
    unknown: dict[int, str] = {}
    for group in among:
        if (depth := depths.get(group.owner)) is None:
            continue
        if depth == 1 and group.first is not None and group.first.id not in excluding:
            found[group.owner].append(group.first)
        else:
            unknown[group.key] = group.owner
    for key, waiting in _read_first_jobs(
        session, {key: depths[owner] for key, owner in unknown.items()}, excluding
    ):
        found[unknown[key]].append(waiting)
    return {owner: OwnerHead.of(found[owner], depth) for owner, depth in depths.items()}


def _read_first_jobs(
    session: Session, depths: Mapping[int, int], excluding: Collection[UUID]
) -> Iterator[tuple[int, QueuedJob]]:
    """Yield the first jobs of these groups that workers can run, as many as `depths` says, by group."""
    wanted = func.unnest(cast([*depths], ARRAY(BigInteger)), cast([*depths.values()], ARRAY(Integer)))
    group = wanted.table_valued(column("key", BigInteger), column("depth", Integer)).render_derived()
    others = (Job.id.not_in([*excluding]),) if excluding else ()
    first = (
        select(Job.id, Job.priority)
        .where(Job.queue_group == group.c.key, *CAN_RUN, *others)
        .order_by(Job.priority.desc(), Job.id)
        .limit(group.c.depth)
        .lateral()
    )
    query = select(group.c.key, first.c.id, first.c.priority).join_from(group, first, true())
    for row in session.execute(query) if depths else ():
        yield row.key, QueuedJob(row.id, row.priority)


def _missing_depths(chosen: Iterable[Turn], lines: Mapping[str, OwnerHead]) -> dict[str, int]:
    """Return how many jobs must be read of each owner of which more are needed than were."""
    needed = Counter(turn.owner for turn in chosen)
    return {owner: count for owner, count in needed.items() if count > len(lines[owner].jobs)}


@dataclass(frozen=True, slots=True)
class NewJob:
    """A queued job that is to be sized."""

    job_id: UUID
    owner: str
    stored_spec: dict[str, Any]


def unsized(
    session: Session, limit: int, *, excluding: Collection[UUID] = (), excluding_owners: Collection[str] = ()
) -> Sequence[NewJob]:
    """Return queued jobs that are still to be sized, the oldest first: other ones than `excluding`."""
    others = (Job.id.not_in([*excluding]), Job.owner.not_in([*excluding_owners]))
    found = select(Job.id, Job.owner, Job.spec).where(*_UNSIZED, *others).order_by(Job.id).limit(limit)
    return [NewJob(row.id, row.owner, row.spec) for row in session.execute(found)]


def still_unsized(session: Session, jobs: Mapping[UUID, NewJob]) -> dict[UUID, NewJob]:
    """Return those of these jobs that are still queued and to be sized."""
    if not jobs:
        return {}
    found = set(session.scalars(select(Job.id).where(Job.id.in_(jobs), *_UNSIZED)))
    return {job_id: job for job_id, job in jobs.items() if job_id in found}


def record_needs(session: Session, job_id: UUID, needs: Mapping[str, Any] | None) -> None:
    """Record what a queued job needs; None if it cannot be known before a worker has the model."""
    change = update(Job).where(Job.id == job_id, *_UNSIZED).values(needs=dict(needs or {}))
    if session.scalar(change.returning(Job.id)) is not None:  # else another scheduler has done it
        notify_on_commit(session, QUEUE)
