"""Which class of workers a queued job waits for. The rules are in `jobs.placement`, the rows are here.

A queued job is sized, which a thread of the dispatcher does, and placed, which its rounds do. One that fits
no class is unschedulable, and is looked at again whenever the classes of the live workers change.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from jobs.fleet import machines
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
from jobs.states import JobState, PlacementState
from jobs.tables import Job, Worker

_QUEUED = Job.state == JobState.QUEUED
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
        select(Worker.queue, Worker.queues, Worker.capacity).where(
            is_alive(seen_within),
            Worker.quarantined_at.is_(None) | Worker.capacity.is_not(None),
        )
    )
    return classes_of(
        (row.queues or [row.queue], None if row.capacity is None else Capacity.model_validate(row.capacity))
        for row in rows
    )


def unsized(session: Session, limit: int) -> Sequence[Unsized]:
    """Return queued jobs that are still to be sized, the oldest first."""
    rows = session.execute(
        select(Job.id, Job.owner, Job.spec)
        .where(_QUEUED, Job.placement == PlacementState.UNSIZED)
        .order_by(Job.id)
        .limit(limit)
    )
    return [Unsized(row.id, row.owner, row.spec) for row in rows]


def place_sized(session: Session, classes: Classes, limit: int) -> int:
    """Place up to `limit` sized jobs, the oldest first. Returns how many there were."""
    rows = session.execute(
        select(Job.id, Job.needs, Job.unschedulable_since)
        .where(_QUEUED, Job.placement == PlacementState.SIZED)
        .order_by(Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    placed = defaultdict(list)
    for row in rows:
        needs = _needs(row.needs)
        queue = smallest_that_fits(needs, classes)
        if queue is not None:
            placed[queue].append(row.id)
            if row.unschedulable_since is not None:
                placing.tell(session, row.id, f"a worker of class {queue} is connected, and the job fits it")
            continue
        placing.mark_unschedulable(session, row.id)
        if row.unschedulable_since is None:
            placing.tell(session, row.id, why_nowhere(needs or UNKNOWN_NEEDS, classes))
    for queue, job_ids in placed.items():
        placing.place(session, job_ids, queue)
    return len(rows)


def look_again(session: Session) -> None:
    """Let the jobs that fit no class be placed anew, because the classes have changed."""
    session.execute(
        update(Job)
        .where(_QUEUED, Job.placement == PlacementState.UNSCHEDULABLE)
        .values(placement=PlacementState.SIZED)
    )


def leave_what_has_shrunk(
    session: Session, queue: str, has: Collection[Capacity | None], after: UUID | None, limit: int
) -> UUID | None:
    """Let jobs be placed anew that wait in the queue of a class and fit none of its live workers any more.

    `has`: what these have. Looks at up to `limit` queued jobs behind `after`, in their order. Returns the
    last one if others may follow, else None. A job that is locked stays; a worker that gets it refuses it.
    """
    waiting = select(Job.id, Job.needs, Job.placement).where(Job.queue == queue, _QUEUED)
    behind = () if after is None else (Job.id > after,)
    rows = session.execute(waiting.where(*behind).order_by(Job.id).limit(limit)).all()
    misfits = [
        row.id
        for row in rows
        if row.placement == PlacementState.PLACED and not fits_any(_needs(row.needs), has)
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


def move_up(session: Session, claim: Claim, worker: str, error: JobError, seen_within: float) -> bool:
    """End an attempt whose worker ran out of memory: the job goes one class up, or fails with `error`.

    From now on it needs more than that worker has, so it is never given to such a one again.
    """
    row = session.execute(select(Job.needs, Job.queue).where(Job.id == claim.job_id)).one_or_none()
    capacity = machines.capacity_of(session, worker)
    if row is None or capacity is None:
        return lifecycle.fail(session, claim, error)
    known = _needs(row.needs) or UNKNOWN_NEEDS
    needs = known.beyond(
        gpus=capacity.gpus, device_bytes=capacity.device_bytes, host_bytes=capacity.host_bytes
    )
    larger = smallest_that_fits(needs, _known_classes(session, seen_within))
    if larger is None:
        return lifecycle.fail(session, claim, error)
    reason = f"out of memory on a worker of class {row.queue}: the job goes to class {larger}"
    return lifecycle.requeue_elsewhere(session, claim, needs.model_dump(), larger, reason)


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
