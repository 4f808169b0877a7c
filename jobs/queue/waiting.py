"""Why a job waits: its turn, its owner's limit, another job, a check, workers, or an outage.

While the disk of the database is full, all jobs wait for space on it.

The queues are read once a second for all jobs, and not for every response.
"""

import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Lock
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.database import disk_is_full
from jobs.queue import backlog, workers
from jobs.queue.backlog import NextJobs, QueueGroup
from jobs.queue.resources import needs_of, unschedulable_reason
from jobs.queue.workers import Fleet
from jobs.states import JobState
from jobs.tables import SEARCH_NOW, Job

MAX_POSITION = 100
"""The first jobs of a queue have a position, up to this one; later ones have none."""

QUEUE_CACHE_TTL = 1.0
"""How many seconds a snapshot of the queues is used."""

_MAX_FAULTS = 3


class WaitsFor(StrEnum):
    """What a job waits for. While the disk of the database is full, that is so of a running one, too."""

    DATABASE = "database"
    HUB = "hub"
    STORE = "store"
    UNSCHEDULABLE = "unschedulable"
    WORKER = "worker"
    QUARANTINED = "quarantined"
    CORDONED = "cordoned"
    PAUSED = "paused"
    SCHEDULER = "scheduler"
    BROKER = "broker"
    CHECKS = "checks"
    ANOTHER_JOB = "another_job"
    OWN_JOBS = "own_jobs"
    ITS_TURN = "its_turn"


@dataclass(frozen=True, slots=True)
class Wait:
    """Why one job waits."""

    reason: WaitsFor
    queue: str | None = None
    """The queue of the job: the smallest of live workers that it fits."""
    position: int | None = None
    """Its place among the first `MAX_POSITION` jobs of its queue, from 1, if it is in line."""
    is_new: bool = False
    """Whether it was queued after its place could have been read."""
    is_beyond: bool = False
    """Whether more than `MAX_POSITION` jobs are in line."""
    faults: tuple[str, ...] = ()
    """Why the workers are quarantined, the most frequent first. Only operators may read them."""
    shortage: str | None = None
    """What the job needs that no worker has, with the numbers; only if it is unschedulable."""
    running: int = 0
    """How many jobs of its owner run; only if it waits for these."""
    job_id: UUID | None = None
    """The job that it waits for."""
    since: datetime | None = None
    """Since when no scheduler reaches the broker, by the database's clock; only if it waits for that."""


@dataclass(slots=True)
class _Snapshot:
    """The queues at one moment."""

    read_at: float
    as_of: datetime
    """When it was read, by the clock of the database."""
    disk_is_full: bool
    """Whether the database refuses to write."""
    fleet: Fleet
    stopped: Wait | None
    """Why no job can run; None if one can."""
    groups: Sequence[QueueGroup]
    lines: dict[str, tuple[NextJobs, Mapping[UUID, int]]] = field(default_factory=dict)
    """By queue, as far as they were asked for: the first jobs and their positions."""


class Waits:
    """Returns why jobs wait. Each process has its own, and they need not agree."""

    def __init__(self, seen_within: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A worker or scheduler without a heartbeat in the last `seen_within` seconds counts as gone."""
        self._seen_within = seen_within
        self._clock = clock
        self._snapshot: _Snapshot | None = None
        self._reading = Lock()

    def of(self, session: Session, jobs: Sequence[Job]) -> dict[UUID, Wait]:
        """Return why each of these jobs waits that is queued, or runs and cannot go on."""
        found: dict[UUID, Wait] = {}
        queued = []
        jobs = [job for job in jobs if job.state in (JobState.RUNNING, JobState.QUEUED)]
        if jobs and self._current(session).disk_is_full:
            return {job.id: Wait(WaitsFor.DATABASE) for job in jobs}
        for job in jobs:
            if job.state == JobState.QUEUED and job.next_try_at is not None:
                found[job.id] = Wait(WaitsFor.STORE if job.awaited == "store" else WaitsFor.HUB)
            elif job.state == JobState.QUEUED:
                queued.append(job)
        if queued:
            snapshot = self._current(session)
            computing = _computing_jobs(session, {job.blocked_on for job in queued})
            found |= {job.id: self._wait_of(session, snapshot, job, computing) for job in queued}
        return found

    def _current(self, session: Session) -> _Snapshot:
        known = self._snapshot
        if known is None or self._clock() - known.read_at >= QUEUE_CACHE_TTL:
            known = self._snapshot = _read(session, self._seen_within, self._clock())
        return known

    def _wait_of(self, session: Session, snapshot: _Snapshot, job: Job, computing: Container[UUID]) -> Wait:
        before = snapshot.stopped or _before_its_turn(snapshot, job, computing)
        return before or self._turn(session, snapshot, job)

    def _turn(self, session: Session, snapshot: _Snapshot, job: Job) -> Wait:
        """Return the wait of a job that workers may claim."""
        own = snapshot.fleet.own_queue(needs_of(job.needs or {})) or ""
        with self._reading:
            if own not in snapshot.lines:
                snapshot.lines[own] = _read_line(session, snapshot, own)
        in_line, positions = snapshot.lines[own]
        share = in_line.shares.get(job.owner)
        if share is not None and share.may_begin == 0:
            return Wait(WaitsFor.OWN_JOBS, own, running=share.running)
        if position := positions.get(job.id):
            return Wait(WaitsFor.ITS_TURN, own, position)
        if job.queued_at > snapshot.as_of:
            return Wait(WaitsFor.ITS_TURN, own, is_new=True)
        # In a line that is not full it begins just now, or its owner may begin no more than those there.
        return Wait(WaitsFor.ITS_TURN, own, is_beyond=len(positions) >= MAX_POSITION)


def _before_its_turn(snapshot: _Snapshot, job: Job, computing: Container[UUID]) -> Wait | None:
    """Return why no worker may claim a job; None if one may."""
    if job.blocked_on is not None and job.blocked_on in computing:
        return Wait(WaitsFor.ANOTHER_JOB, job_id=job.blocked_on)
    if job.needs is None:
        return Wait(WaitsFor.CHECKS)
    needs, fleet = needs_of(job.needs), snapshot.fleet
    own = fleet.own_queue(needs)
    if own is None:
        return Wait(WaitsFor.UNSCHEDULABLE, shortage=unschedulable_reason(needs, fleet.queues))
    if own in fleet.paused:
        return Wait(WaitsFor.PAUSED, own)
    return None if fleet.workers_for(needs) else _without_workers(fleet, own)


def _read(session: Session, seen_within: float, now: float) -> _Snapshot:
    as_of = session.scalars(select(SEARCH_NOW)).one()
    fleet = workers.fleet(session, seen_within)
    has_scheduler, broker_away_since = workers.broker_outage(session, seen_within)
    stopped = None
    if broker_away_since is not None:  # without it no worker registers either
        stopped = Wait(WaitsFor.BROKER, since=broker_away_since)
    elif not fleet.workers:
        faults = workers.undeclared_worker_faults(session, seen_within)
        stopped = Wait(WaitsFor.QUARANTINED if faults else WaitsFor.WORKER, faults=_most_frequent(faults))
    elif not has_scheduler:
        stopped = Wait(WaitsFor.SCHEDULER)
    return _Snapshot(now, as_of, disk_is_full(session), fleet, stopped, backlog.groups(session))


def _read_line(session: Session, snapshot: _Snapshot, queue: str) -> tuple[NextJobs, dict[UUID, int]]:
    fleet = snapshot.fleet
    among = [group for group in snapshot.groups if fleet.own_queue(group.needs) == queue]
    in_line = backlog.next_jobs(session, queue, among, MAX_POSITION)
    return in_line, {job_id: place for place, job_id in enumerate(in_line.jobs, 1)}


def _computing_jobs(session: Session, job_ids: Iterable[UUID | None]) -> set[UUID]:
    """Return those of these jobs that others wait for."""
    asked = [job_id for job_id in job_ids if job_id is not None]
    computing = select(Job.id).where(Job.id.in_(asked), backlog.is_computing(Job))
    return set(session.scalars(computing)) if asked else set()


def _without_workers(fleet: Fleet, own: str) -> Wait:
    """Return why no worker of a queue takes jobs."""
    of_queue = [worker for worker in fleet.workers.values() if worker.queue == own]
    faults = [worker.fault for worker in of_queue if worker.fault is not None]
    if not of_queue or len(faults) < len(of_queue):
        return Wait(WaitsFor.CORDONED if of_queue else WaitsFor.WORKER, own)
    return Wait(WaitsFor.QUARANTINED, own, faults=_most_frequent(faults))


def _most_frequent(faults: Sequence[str]) -> tuple[str, ...]:
    by_count = sorted({*faults}, key=lambda fault: (-faults.count(fault), fault))
    return tuple(by_count[:_MAX_FAULTS])
