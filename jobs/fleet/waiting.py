"""Why a job waits: for workers, larger ones, operators, a dispatcher, a check, other jobs, its turn.

One that runs may wait for the store.

The queries stop at the first row that decides, or after `MOST_COUNTED` rows, however long the queue is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from jobs.fleet import dispatch_queue, line, placing
from jobs.fleet.selecting import is_alive
from jobs.placement.classes import UNPLACED, smallest_that_fits, why_nowhere
from jobs.placement.needs import UNKNOWN_NEEDS, Needs
from jobs.states import ENDED, JobState, PlacementState
from jobs.tables import SEARCH_NOW, Dispatcher, Job, Queue, Worker

MOST_COUNTED = 100
"""The first so many jobs of a queue have a position; those behind them are only said to be behind."""

_MOST_FAULTS = 3


class WaitsFor(StrEnum):
    """What has to happen before a queued job can run, or a running one go on."""

    OUTSIDE = "outside"
    STORE = "store"
    UNSCHEDULABLE = "unschedulable"
    WORKER = "worker"
    HEALTHY_WORKER = "healthy_worker"
    UNCORDONED_WORKER = "uncordoned_worker"
    RESUMED_QUEUE = "resumed_queue"
    DISPATCHER = "dispatcher"
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


def waits(session: Session, jobs: Sequence[Job], seen_within: float) -> dict[UUID, Wait]:
    """Return why each of these jobs waits that is queued, or runs and waits for the store.

    A worker or dispatcher without a heartbeat in the last `seen_within` seconds counts as gone.
    """
    running = [job for job in jobs if job.state == JobState.RUNNING]
    queued = [job for job in jobs if job.state == JobState.QUEUED]
    found = {job.id: Wait(WaitsFor.STORE) for job in running if job.next_try_at is not None}
    found |= {job.id: Wait(WaitsFor.OUTSIDE) for job in queued if job.next_try_at is not None}
    found |= _unplaced(session, [job for job in queued if job.id not in found], seen_within)
    queued = [job for job in queued if job.id not in found]
    for queue in sorted({job.queue for job in queued}):
        in_queue = [job for job in queued if job.queue == queue]
        stopped = _stopped(session, queue, seen_within)
        for job_id, wait in _in_line(session, queue, in_queue).items():
            found[job_id] = wait if stopped is None else replace(stopped, position=wait.position)
    return found


def _unplaced(session: Session, jobs: Sequence[Job], seen_within: float) -> dict[UUID, Wait]:
    """Return why those jobs wait that no class was found for, where live workers are of classes."""
    jobs = [job for job in jobs if job.placement != PlacementState.PLACED]
    classes = placing.live_classes(session, seen_within) if jobs else {}
    if not classes or None in classes.get(UNPLACED, ()):  # who reads that queue takes every job
        return {}
    if UNPLACED in classes:  # the others are in line there
        jobs = [job for job in jobs if job.placement == PlacementState.UNSCHEDULABLE]
    alive = exists().where(Dispatcher.seen_at > SEARCH_NOW - timedelta(seconds=seen_within))
    if not session.scalars(select(alive)).one():
        return dict.fromkeys([job.id for job in jobs], Wait(WaitsFor.DISPATCHER))

    def wait(job: Job) -> Wait:
        needs = UNKNOWN_NEEDS if job.needs is None else Needs.model_validate(job.needs)
        if job.unschedulable_since is None or smallest_that_fits(needs, classes) is not None:
            return Wait(WaitsFor.CHECKS)  # a dispatcher is about to place it
        return Wait(WaitsFor.UNSCHEDULABLE, shortage=why_nowhere(needs, classes))

    return {job.id: wait(job) for job in jobs}


def _stopped(session: Session, queue: str, seen_within: float) -> Wait | None:
    """Return why no job of a queue can run; None if one can."""
    recent = SEARCH_NOW - timedelta(seconds=seen_within)
    live: tuple[ColumnElement[bool], ...] = (dispatch_queue.reads(queue), is_alive(seen_within))
    paused, takes_jobs, healthy, dispatcher = session.execute(
        select(
            exists().where(Queue.name == queue, Queue.paused_at.is_not(None)),
            exists().where(*live, *dispatch_queue.TAKES_JOBS),
            exists().where(*live, Worker.quarantined_at.is_(None)),
            exists().where(Dispatcher.seen_at > recent),
        )
    ).one()
    if paused:
        return Wait(WaitsFor.RESUMED_QUEUE)
    if not takes_jobs and healthy:
        return Wait(WaitsFor.UNCORDONED_WORKER)
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
        return Wait(WaitsFor.HEALTHY_WORKER, faults=tuple(faults)) if faults else Wait(WaitsFor.WORKER)
    return None if dispatcher else Wait(WaitsFor.DISPATCHER)


def _in_line(session: Session, queue: str, jobs: Sequence[Job]) -> dict[UUID, Wait]:
    blocked_on = {job.blocked_on for job in jobs if job.blocked_on is not None}
    computing = (
        set(session.scalars(select(Job.id).where(Job.id.in_(blocked_on), Job.state.not_in(ENDED))))
        if blocked_on
        else set()
    )
    unchecked = dispatch_queue.held_for_checks(session, [job.id for job in jobs if job.checks_pending])
    published = dispatch_queue.published(session, queue, MOST_COUNTED)
    in_line = line.in_line(session, queue, MOST_COUNTED - len(published))
    first = [*published, *(job.id for job in in_line.jobs)]
    positions = {job_id: position for position, job_id in enumerate(first, 1)}

    def wait(job: Job) -> Wait:
        if job.id in unchecked:
            return Wait(WaitsFor.CHECKS)
        if job.blocked_on in computing:
            return Wait(WaitsFor.ANOTHER_JOB)
        position = positions.get(job.id)
        if job.dispatched_at is None and in_line.is_at_limit(job.owner):
            return Wait(WaitsFor.OWN_JOBS, running=in_line.shares[job.owner].running)
        if job.dispatched_at is None and in_line.is_over_share(job.owner):
            return Wait(WaitsFor.ITS_SHARE, position, running=in_line.shares[job.owner].in_use)
        return Wait(WaitsFor.ITS_TURN, position)

    return {job.id: wait(job) for job in jobs}
