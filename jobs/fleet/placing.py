"""Which class of workers a queued job waits for. The rules are in `jobs.placement`, the rows are here.

A queued job is sized, which a thread of the dispatcher does, and placed, which its rounds do. One that fits
no class is unschedulable, and is looked at again when a worker has come that has more than those before.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, true, update
from sqlalchemy.orm import Session

from jobs.fleet import dispatch_queue, machines
from jobs.fleet.resuming import classes_to_resume_on
from jobs.fleet.selecting import is_alive
from jobs.lifecycle import lifecycle, placing
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.placement.classes import (
    UNPLACED,
    Capacity,
    Classes,
    classes_of,
    fits,
    fits_any,
    smallest_that_fits,
    why_nowhere,
)
from jobs.placement.needs import UNKNOWN_NEEDS, Needs
from jobs.states import HELD, JobState, LostAttempt, PlacementState
from jobs.tables import NOW, Job, Worker

_QUEUED = Job.state == JobState.QUEUED
_UNSIZED = (_QUEUED, Job.placement == PlacementState.UNSIZED)
_MOST_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class Unsized:
    """A queued job of which nobody knows what it needs."""

    job_id: UUID
    owner: str
    stored_spec: dict[str, Any]


def live_classes(session: Session, seen_within: float) -> Classes:
    """Return the classes of the workers that sent a heartbeat in the last `seen_within` seconds.

    A quarantined one counts: it has what it has, and its job waits until it is well again. But it does not
    take every job before it has passed its self-test.
    """
    rows = session.execute(
        select(Worker.queues_read, Worker.capacity).where(
            is_alive(seen_within),
            Worker.quarantined_at.is_(None) | Worker.capacity.is_not(None),
        )
    )
    return classes_of(
        (row.queues_read, None if row.capacity is None else Capacity.model_validate(row.capacity))
        for row in rows
    )


def silent_classes(session: Session, seen_within: float) -> tuple[Classes, dict[str, float]]:
    """Return what workers had that are remembered and sent no heartbeat in the last `seen_within` seconds.

    With it, by class, for how many seconds the last of them has been silent.
    """
    for_seconds = func.extract("epoch", NOW - Worker.seen_at).label("for_seconds")
    rows = session.execute(
        select(Worker.queues_read, Worker.capacity, for_seconds).where(~is_alive(seen_within))
    ).all()
    silent: dict[str, float] = {}
    for row in rows:
        for queue in row.queues_read:
            silent[queue] = min(silent.get(queue, float("inf")), float(row.for_seconds))
    had = classes_of(
        (row.queues_read, None if row.capacity is None else Capacity.model_validate(row.capacity))
        for row in rows
    )
    return had, silent


def serving_classes(session: Session, seen_within: float) -> set[str]:
    """Return the classes of which a live worker may take jobs.

    One that is drained and still runs its last job counts: another one follows it.
    """
    runs_its_last = Worker.draining & exists().where(Job.worker == Worker.name, Job.state.in_(HELD))
    serves = or_(and_(*dispatch_queue.TAKES_JOBS), runs_its_last)
    rows = session.scalars(select(Worker.queues_read).where(is_alive(seen_within), serves))
    return {queue for queues in rows for queue in queues}


def unsized(
    session: Session, limit: int, *, but: Collection[UUID] = (), without_owners: Collection[str] = ()
) -> Sequence[Unsized]:
    """Return queued jobs that are still to be sized, the oldest first: other ones than `but`."""
    others = (Job.id.not_in([*but]), Job.owner.not_in([*without_owners]))
    rows = session.execute(
        select(Job.id, Job.owner, Job.spec).where(*_UNSIZED, *others).order_by(Job.id).limit(limit)
    )
    return [Unsized(row.id, row.owner, row.spec) for row in rows]


def still_unsized(session: Session, jobs: Mapping[UUID, Unsized]) -> dict[UUID, Unsized]:
    """Return those of these jobs that are still queued and to be sized."""
    if not jobs:
        return {}
    found = set(session.scalars(select(Job.id).where(Job.id.in_(jobs), *_UNSIZED)))
    return {job_id: job for job_id, job in jobs.items() if job_id in found}


def place_sized(session: Session, classes: Classes, limit: int, halted: Collection[str] = ()) -> int:
    """Place up to `limit` sized jobs, the oldest first. Returns how many there were.

    Each goes to the smallest class that it fits: of those where it can go on from its finished blocks, if
    there is one. To one of the classes `halted`, whose workers take no jobs, only if it fits no other.
    """
    serving = {name: has for name, has in classes.items() if name not in halted}
    rows = session.execute(
        select(Job.id, Job.needs, Job.queue, Job.unschedulable_since)
        .where(_QUEUED, Job.placement == PlacementState.SIZED)
        .order_by(Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    placed = defaultdict(list)
    preferred = classes_to_resume_on(session, [row.id for row in rows], serving)
    for row in rows:
        needs = _needs(row.needs)
        choices = (preferred.get(row.id, {}), serving, classes)
        queue = next(filter(None, (smallest_that_fits(needs, choice) for choice in choices)), None)
        if queue is not None:
            placed[queue].append(row.id)
            if row.unschedulable_since is not None:
                placing.tell(session, row.id, f"a worker of class {queue} is connected, and the job fits it")
            elif row.queue not in (UNPLACED, queue):
                placing.tell(session, row.id, f"the job goes from class {row.queue} to class {queue}")
            continue
        placing.mark_unschedulable(session, row.id)
        if row.unschedulable_since is None:
            placing.tell(session, row.id, why_nowhere(needs or UNKNOWN_NEEDS, classes))
    for queue, job_ids in placed.items():
        placing.place(session, job_ids, queue)
    return len(rows)


def look_again(session: Session, classes: Classes, behind: UUID, limit: int) -> UUID | None:
    """Let the unschedulable jobs be placed anew that fit one of these classes.

    Looks at up to `limit` of them behind the job `behind`, in their order. Returns the last one if others may
    follow, else None.
    """
    unschedulable = (_QUEUED, Job.placement == PlacementState.UNSCHEDULABLE)
    looked_at = select(Job.id, Job.needs).where(*unschedulable, Job.id > behind).order_by(Job.id)
    rows = session.execute(looked_at.limit(limit)).all()
    fitting = [row.id for row in rows if smallest_that_fits(_needs(row.needs), classes) is not None]
    if fitting:
        still = select(Job.id).where(Job.id.in_(fitting), *unschedulable).order_by(Job.id)
        locked = session.scalars(still.with_for_update()).all()
        session.execute(update(Job).where(Job.id.in_(locked)).values(placement=PlacementState.SIZED))
    return rows[-1].id if len(rows) == limit else None


def leave_what_has_shrunk(
    session: Session,
    queue: str,
    has: Collection[Capacity | None],
    behind: UUID,
    limit: int,
    instead: Classes | None = None,
) -> UUID | None:
    """Let jobs be placed anew that wait in the queue of a class and fit none of its live workers any more.

    `has`: what these have. `instead`: classes for whose sake a job leaves too, if it fits one.
    Looks at up to `limit` queued jobs behind the job `behind`, in their order. Returns the last one if others
    may follow, else None. A job that is locked stays; a worker that gets it refuses it.
    """

    def leaves(needs: Needs | None) -> bool:
        return not fits_any(needs, has) or smallest_that_fits(needs, instead or {}) is not None

    return _leave(session, queue, behind, limit, leaves)


def return_to_smaller(
    session: Session,
    queue: str,
    had: Sequence[Capacity | None],
    smaller: Classes,
    behind: UUID,
    limit: int,
    *,
    published: bool,
) -> UUID | None:
    """Let jobs be placed anew that wait in the queue of a class and would be given to a smaller one now.

    It was lent, or there was no smaller class. One that has run stays: its blocks may be of use there.
    `had`: what the workers of its class have, or had. `published`: also those that one of them might take.
    Looks at as many jobs as `leave_what_has_shrunk`, and returns the same.
    """
    choices = {**smaller, queue: tuple(had)}
    which = [Job.attempt == 0, *(() if published else [Job.dispatched_at.is_(None)])]
    return _leave(
        session, queue, behind, limit, lambda needs: smallest_that_fits(needs, choices) in smaller, *which
    )


def _leave(
    session: Session,
    queue: str,
    behind: UUID,
    limit: int,
    leaves: Callable[[Needs | None], bool],
    *which: ColumnElement[bool],
) -> UUID | None:
    waiting = select(Job.id, Job.needs, Job.placement, and_(true(), *which).label("may"))
    of_queue = waiting.where(Job.queue == queue, _QUEUED, Job.id > behind)
    rows = session.execute(of_queue.order_by(Job.id).limit(limit)).all()
    misfits = [
        row.id
        for row in rows
        if row.may and row.placement == PlacementState.PLACED and leaves(_needs(row.needs))
    ]
    if misfits:
        free = select(Job.id).where(Job.id.in_(misfits), Job.queue == queue, _QUEUED).order_by(Job.id)
        _place_anew(session, Job.id.in_(session.scalars(free.with_for_update(skip_locked=True)).all()))
    return rows[-1].id if len(rows) == limit else None


def _needs_of(session: Session, job_id: UUID) -> Needs | None:
    """Return what a job needs, as far as that is known."""
    return _needs(session.scalar(select(Job.needs).where(Job.id == job_id)))


def _needs(stored: dict[str, Any] | None) -> Needs | None:
    return None if stored is None else Needs.model_validate(stored)


def refuse(session: Session, job_id: UUID) -> None:
    """Take a queued job out of the line of a worker that has less than it needs: it is placed anew.

    Only published again, it would come to the same worker for ever, and keep others from it.
    """
    _place_anew(session, Job.id == job_id)


def _place_anew(session: Session, *which: ColumnElement[bool]) -> None:
    anew = case((Job.placement == PlacementState.PLACED, PlacementState.SIZED.value), else_=Job.placement)
    session.execute(update(Job).where(*which, _QUEUED).values(placement=anew, dispatched_at=None))


def fits_worker(session: Session, job_id: UUID, worker: str) -> bool:
    """Whether a worker has what a job needs, as far as both are known.

    A message may come late: the job was given to another class meanwhile.
    """
    needs, capacity = _needs_of(session, job_id), machines.capacity_of(session, worker)
    return needs is None or capacity is None or fits(needs, capacity)


def waits_for_another(session: Session, job_id: UUID, worker: str, seen_within: float) -> bool:
    """Whether a queued job waits in a queue that this worker reads, and another one is idle and fits."""
    job = session.execute(select(Job.queue, Job.needs).where(Job.id == job_id, _QUEUED)).one_or_none()
    reads = session.scalar(select(Worker.queues_read).where(Worker.name == worker))
    if job is None or job.queue not in (reads or ()):
        return False
    idle = dispatch_queue.idle_workers(session, seen_within)
    return fits_any(_needs(job.needs), [alike.has for alike in idle if job.queue in alike.queues])


def may_be_given(session: Session, worker: str) -> bool:
    """Whether a job that was given to no class yet would fit this worker, as far as both are known."""
    capacity = machines.capacity_of(session, worker)
    if capacity is None:  # it takes what is in its queue, and no job is given to it
        return False
    unplaced = (
        select(Job.needs)
        .where(_QUEUED, Job.placement != PlacementState.PLACED)
        .order_by(Job.placement, Job.id)
        .limit(_MOST_LOOKED_AT)
    )
    return any(fits_any(_needs(stored), [capacity]) for stored in session.scalars(unplaced))


def move_up(
    session: Session, claim: Claim, worker: str, error: JobError, seen_within: float, *, of_host: bool
) -> bool:
    """End an attempt whose worker ran out of memory: the job goes one class up, or fails with `error`.

    From now on it needs more than that worker has, so it is never given to such a one again. `of_host`: more
    of the host's memory, and not of a GPU's.
    """
    larger = _larger_than(session, claim.job_id, worker, seen_within, of_host=of_host)
    if larger is None:
        return lifecycle.fail(session, claim, error)
    return lifecycle.requeue_elsewhere(session, claim, larger.needs.model_dump(), larger.queue, larger.reason)


def take_back_out_of_memory(
    session: Session, claim: Claim, worker: str, reason: str, max_lost_attempts: int, seen_within: float
) -> JobState | None:
    """Take a job back whose process the system has killed, because the host's memory ran out.

    It goes one class up, where there is one; then the attempt does not count as lost. Returns the new state,
    or None if the job has moved on.
    """
    larger = _larger_than(session, claim.job_id, worker, seen_within, of_host=True)
    if larger is not None and lifecycle.requeue_elsewhere(
        session, claim, larger.needs.model_dump(), larger.queue, larger.reason
    ):
        return JobState.QUEUED
    lost = LostAttempt.OUT_OF_MEMORY
    return lifecycle.take_back(session, claim.job_id, claim.lease_token, reason, max_lost_attempts, lost)


@dataclass(frozen=True, slots=True)
class _Larger:
    """Where a job goes that had too little memory, and what it needs from then on."""

    needs: Needs
    queue: str
    reason: str


def _larger_than(
    session: Session, job_id: UUID, worker: str, seen_within: float, *, of_host: bool
) -> _Larger | None:
    """Return the class for a job that this worker had too little memory for, if a live one fits."""
    row = session.execute(select(Job.needs, Job.queue).where(Job.id == job_id)).one_or_none()
    has = machines.capacity_of(session, worker)
    if row is None or has is None:
        return None
    needs = (_needs(row.needs) or UNKNOWN_NEEDS).beyond(
        gpus=has.gpus, device_bytes=has.device_bytes, host_bytes=has.host_bytes, of_host=of_host
    )
    queue = smallest_that_fits(needs, _known_classes(session, seen_within))
    if queue is None:
        return None
    what = "out of the host's memory" if of_host and has.gpus else "out of memory"
    return _Larger(needs, queue, f"{what} on a worker of class {row.queue}: the job goes to class {queue}")


def fits_here(session: Session, claim: Claim, worker: str, needs: Needs) -> bool:
    """Record what a job needs, now that its worker has the model. Returns whether it may run there.

    What was known already is never lowered: a worker may have run out of memory. What only the request has
    said is raised to what it may say of this model.
    """
    known = _needs_of(session, claim.job_id)
    needs = needs if known is None else known.raised_to(needs)
    if needs == known:
        return True
    session.execute(update(Job).where(*lifecycle.running_under(claim)).values(needs=needs.model_dump()))
    capacity = machines.capacity_of(session, worker)
    return capacity is None or fits(needs, capacity)


def send_elsewhere(session: Session, claim: Claim, needs: Needs, seen_within: float) -> bool:
    """End an attempt on a worker that has less than the job needs: it waits for another class, or for one."""
    known = _needs_of(session, claim.job_id)
    needs = needs if known is None else known.raised_to(needs)
    queue = smallest_that_fits(needs, _known_classes(session, seen_within))
    where = "it fits none that is connected" if queue is None else f"it goes to class {queue}"
    reason = f"the worker has less than the job needs: {where}"
    return lifecycle.requeue_elsewhere(session, claim, needs.model_dump(), queue, reason)


def _known_classes(session: Session, seen_within: float) -> Classes:
    """Return the live classes, without the queue of jobs that have none."""
    return {name: has for name, has in live_classes(session, seen_within).items() if name != UNPLACED}
