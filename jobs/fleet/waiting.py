"""Why a job waits: for workers, larger ones, operators, dispatchers, the broker, checks, others, its turn.

One that runs may wait for the store. While the database's disk is full, all wait for room on it.

The queries stop at the first row that decides, or after `MOST_COUNTED` rows, however long the queue is. What
they say of a queue is the same for all of its jobs, so it is read once a second, and not for every answer.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from threading import Lock
from typing import Any, Generic, Self, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from jobs.database import disk_is_full
from jobs.fleet import dispatch_queue, line, placing
from jobs.fleet.line import InLine
from jobs.fleet.selecting import is_alive
from jobs.fleet.turns import Waiting
from jobs.placement.classes import UNPLACED, Classes, smallest_that_fits, why_nowhere
from jobs.placement.needs import UNKNOWN_NEEDS, Needs
from jobs.states import ENDED, JobState, PlacementState
from jobs.tables import SEARCH_NOW, Dispatcher, Job, Queue, Worker

MOST_COUNTED = 100
"""The first so many jobs of a queue have a position; those behind them are only said to be behind."""

TOLD_SECONDS = 1.0
"""So long is told what was read of a queue, before it is read again."""

_MOST_FAULTS = 3
_PATIENCE_SECONDS = 0.1

Read = TypeVar("Read")


class WaitsFor(StrEnum):
    """What has to happen before a queued job can run, or a running one go on."""

    DATABASE = "database"
    OUTSIDE = "outside"
    STORE = "store"
    UNSCHEDULABLE = "unschedulable"
    WORKER = "worker"
    HEALTHY_WORKER = "healthy_worker"
    UNCORDONED_WORKER = "uncordoned_worker"
    RESUMED_QUEUE = "resumed_queue"
    DISPATCHER = "dispatcher"
    BROKER = "broker"
    CHECKS = "checks"
    ANOTHER_JOB = "another_job"
    OWN_JOBS = "own_jobs"
    ITS_SHARE = "its_share"
    ITS_TURN = "its_turn"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why one job waits."""

    reason: WaitsFor
    position: int | None = None
    """Its place among the first `MOST_COUNTED` jobs of its queue, from 1, if it is in line."""
    faults: tuple[str, ...] = ()
    """Why the workers are quarantined, the most frequent first. Only operators may read them."""
    shortage: str | None = None
    """What the job needs that no class has, with the numbers; only if it is unschedulable."""
    running: int = 0
    """How many jobs of its owner run or are about to; only if it waits for these, or for its share."""
    since: datetime | None = None
    """Since when no dispatcher reaches the broker, by the database's clock; only if it waits for that."""


@dataclass(frozen=True, slots=True)
class _Fleet:
    """What is the same for all jobs that no class was found for."""

    classes: Classes
    has_dispatcher: bool

    def wait_of(self, job: Job) -> Wait:
        """Return why a job waits that is not in line."""
        if not self.has_dispatcher:
            return Wait(WaitsFor.DISPATCHER)
        needs = UNKNOWN_NEEDS if job.needs is None else Needs.model_validate(job.needs)
        if job.unschedulable_since is None or smallest_that_fits(needs, self.classes) is not None:
            return Wait(WaitsFor.CHECKS)  # a dispatcher is about to place it
        return Wait(WaitsFor.UNSCHEDULABLE, shortage=why_nowhere(needs, self.classes))


@dataclass(frozen=True, slots=True)
class _Queue:
    """What is the same for all jobs of a queue."""

    as_of: datetime
    """When it was read, by the clock of the database."""
    stopped: Wait | None
    """Why no job can run; None if one can."""
    published: Sequence[UUID]
    in_line: InLine
    positions: Mapping[UUID, int]

    @classmethod
    def of(cls, as_of: datetime, stopped: Wait | None, published: Sequence[UUID], in_line: InLine) -> Self:
        """Count the jobs that are published, then those in line."""
        first = (*published, *(job.id for job in in_line.jobs))
        return cls(as_of, stopped, published, in_line, {job: place for place, job in enumerate(first, 1)})

    def with_job(self, job: Job) -> Self | None:
        """Return the same if it says at which place a job is, or that it has none; else with the job in line.

        None if that is not known of one that was queued, or could not run, when this was read.
        """
        if job.id in self.positions or job.placement == PlacementState.UNSCHEDULABLE:
            return self
        if job.dispatched_at is not None:
            is_behind = len(self.positions) >= MOST_COUNTED and job.queued_at <= self.as_of
            return self if is_behind else None
        if self.in_line.is_at_limit(job.owner):
            return self
        in_line = self.in_line.with_job(job.owner, Waiting(job.id, job.priority))
        if in_line is self.in_line:
            return self
        return None if in_line is None else self.of(self.as_of, self.stopped, self.published, in_line)

    def wait_of(self, job: Job) -> Wait:
        """Return why a job waits that can run."""
        position, in_line = self.positions.get(job.id), self.in_line
        if job.dispatched_at is None and in_line.is_at_limit(job.owner):
            return Wait(WaitsFor.OWN_JOBS, running=in_line.shares[job.owner].running)
        if job.dispatched_at is None and in_line.is_over_share(job.owner):
            return Wait(WaitsFor.ITS_SHARE, position, running=in_line.shares[job.owner].in_use)
        return Wait(WaitsFor.ITS_TURN, position)

    def with_jobs(self, jobs: Iterable[Job]) -> Self | None:
        """Return what `with_job` does, for several."""
        found: Self | None = self
        for job in jobs:
            found = None if found is None else found.with_job(job)
        return found


class _Told(Generic[Read]):
    """What was read of late, by name, for the threads of a process."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, Read]] = {}
        self._forgotten = 0
        self._reading = Lock()

    def get(
        self,
        name: str,
        read: Callable[[], Read],
        extended: Callable[[Read], Read | None] = lambda known: known,
    ) -> Read:
        """Return what was read less than `TOLD_SECONDS` ago, as `extended` makes it; else what is read now.

        Of threads that find it too old one reads, and the others wait for that, unless it takes long.
        """
        forgotten = self._forgotten
        if (fresh := self._fresh(name)) is None:
            with self._alone():
                fresh = self._fresh(name) or self._read_now(name, read)
        began, known = fresh
        more = extended(known)
        if more is None:
            return self._read_now(name, read)[1]
        if more is not known:
            self._keep(name, (began, more), forgotten)
        return more

    def forget(self) -> None:
        """Let everything be read again, also what is being read."""
        self._forgotten += 1
        self._known.clear()

    def _fresh(self, name: str) -> tuple[float, Read] | None:
        known = self._known.get(name)
        return known if known is not None and self._clock() - known[0] < TOLD_SECONDS else None

    def _read_now(self, name: str, read: Callable[[], Read]) -> tuple[float, Read]:
        began, forgotten = self._clock(), self._forgotten
        found = began, read()
        self._keep(name, found, forgotten)
        return found

    def _keep(self, name: str, found: tuple[float, Read], forgotten: int) -> None:
        if forgotten == self._forgotten:
            self._known[name] = found

    @contextmanager
    def _alone(self) -> Iterator[None]:
        alone = self._reading.acquire(timeout=_PATIENCE_SECONDS)
        try:
            yield
        finally:
            if alone:
                self._reading.release()


class Waits:
    """Says why jobs wait. What is the same for all jobs of a queue, it reads once in `TOLD_SECONDS`.

    So of what has changed in a queue, it may tell so much later; a job that was queued meanwhile has its
    place at once. Each process has one, and they need not agree.
    """

    def __init__(self, seen_within: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A worker or dispatcher without a heartbeat in the last `seen_within` seconds counts as gone.

        `clock` returns seconds.
        """
        self._seen_within = seen_within
        self._disk_is_full = _Told[bool](clock)
        self._fleet = _Told[_Fleet](clock)
        self._queues = _Told[_Queue](clock)

    def of(self, session: Session, jobs: Sequence[Job]) -> dict[UUID, Wait]:
        """Return why each of these jobs waits that is queued, or runs and cannot go on."""
        jobs = [job for job in jobs if job.state in (JobState.RUNNING, JobState.QUEUED)]
        if jobs and self._disk_is_full.get("", partial(disk_is_full, session)):
            return {job.id: Wait(WaitsFor.DATABASE) for job in jobs}
        running = [job for job in jobs if job.state == JobState.RUNNING]
        queued = [job for job in jobs if job.state == JobState.QUEUED]
        found = {job.id: Wait(WaitsFor.STORE) for job in running if job.next_try_at is not None}
        found |= {job.id: Wait(WaitsFor.OUTSIDE) for job in queued if job.next_try_at is not None}
        found |= self._unplaced(session, [job for job in queued if job.id not in found])
        queued = [job for job in queued if job.id not in found]
        for name in sorted({job.queue for job in queued}):
            found |= self._in_line(session, name, [job for job in queued if job.queue == name])
        return found

    def forget(self) -> None:
        """Read all queues again: one was changed, and who has done that is to see it at once."""
        self._queues.forget()

    def _unplaced(self, session: Session, jobs: Sequence[Job]) -> dict[UUID, Wait]:
        """Return why those jobs wait that no class was found for, where live workers are of classes."""
        jobs = [job for job in jobs if job.placement != PlacementState.PLACED]
        if not jobs:
            return {}
        fleet = self._fleet.get("", partial(_read_fleet, session, self._seen_within))
        classes = fleet.classes
        if not classes or None in classes.get(UNPLACED, ()):  # who reads that queue takes every job
            return {}
        if UNPLACED in classes:  # the others are in line there
            jobs = [job for job in jobs if job.placement == PlacementState.UNSCHEDULABLE]
        return {job.id: fleet.wait_of(job) for job in jobs}

    def _in_line(self, session: Session, name: str, jobs: Sequence[Job]) -> dict[UUID, Wait]:
        """Return why jobs of one queue wait that a class was found for, or that need none."""
        blocked_on = {job.blocked_on for job in jobs if job.blocked_on is not None}
        computing = (
            set(session.scalars(select(Job.id).where(Job.id.in_(blocked_on), Job.state.not_in(ENDED))))
            if blocked_on
            else set()
        )
        unchecked = dispatch_queue.held_for_checks(session, [job.id for job in jobs if job.checks_pending])
        found = {job.id: Wait(WaitsFor.ANOTHER_JOB) for job in jobs if job.blocked_on in computing}
        found |= dict.fromkeys(unchecked, Wait(WaitsFor.CHECKS))
        able = [job for job in jobs if job.id not in found]
        queue = self._queues.get(
            name,
            partial(_read_queue, session, name, self._seen_within),
            lambda known: known.with_jobs(able),
        )
        found |= {job.id: queue.wait_of(job) for job in able}
        if queue.stopped is None:
            return found
        return {job_id: replace(queue.stopped, position=wait.position) for job_id, wait in found.items()}


def _read_fleet(session: Session, seen_within: float) -> _Fleet:
    alive = exists().where(Dispatcher.seen_at > SEARCH_NOW - timedelta(seconds=seen_within))
    classes = placing.live_classes(session, seen_within)
    return _Fleet(classes, bool(classes) and session.scalars(select(alive)).one())


def _read_queue(session: Session, name: str, seen_within: float) -> _Queue:
    as_of, stopped = _stopped(session, name, seen_within)
    published = dispatch_queue.published(session, name, MOST_COUNTED)
    in_line = line.in_line(session, name, MOST_COUNTED - len(published))
    return _Queue.of(as_of, stopped, published, in_line)


def _stopped(session: Session, queue: str, seen_within: float) -> tuple[datetime, Wait | None]:
    """Return when the database looked, and why no job of a queue can run; None if one can."""
    recent = SEARCH_NOW - timedelta(seconds=seen_within)
    live: tuple[ColumnElement[bool], ...] = (dispatch_queue.reads(queue), is_alive(seen_within))
    as_of, paused, takes_jobs, healthy, dispatchers, reaching, away_since = session.execute(
        select(
            SEARCH_NOW,
            exists().where(Queue.name == queue, Queue.paused_at.is_not(None)),
            exists().where(*live, *dispatch_queue.TAKES_JOBS),
            exists().where(*live, Worker.quarantined_at.is_(None)),
            *_dispatchers(recent),
        )
    ).one()
    if paused:
        return as_of, Wait(WaitsFor.RESUMED_QUEUE)
    if not takes_jobs and healthy:
        return as_of, Wait(WaitsFor.UNCORDONED_WORKER)
    if not takes_jobs:
        faults = (
            session.execute(
                select(func.coalesce(Worker.fault, ""))
                .where(*live)
                .group_by(Worker.fault)
                .order_by(func.count().desc(), Worker.fault)
                .limit(_MOST_FAULTS)
            )
            .scalars()
            .all()
        )
        return as_of, Wait(WaitsFor.HEALTHY_WORKER if faults else WaitsFor.WORKER, faults=tuple(faults))
    if not dispatchers:
        return as_of, Wait(WaitsFor.DISPATCHER)
    return as_of, None if reaching else Wait(WaitsFor.BROKER, since=away_since)


def _dispatchers(recent: ColumnElement[datetime]) -> tuple[ColumnElement[Any], ...]:
    """Whether a dispatcher is alive, whether one reaches the broker, and since when the last does not."""
    alive = Dispatcher.seen_at > recent
    return (
        exists().where(alive),
        exists().where(alive, Dispatcher.broker_away_since.is_(None)),
        select(func.max(Dispatcher.broker_away_since)).where(alive).scalar_subquery(),
    )
