"""Claims the next job for a worker: the only way from `queued` to `running`.

Claims follow on each other under one advisory lock, so that owners' limits and turns hold, and a pause or a
cordon that has returned is kept to. A claim takes milliseconds, whatever the length of the queue.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from jobs import limits
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.notify import QUEUE, notify_on_commit
from jobs.queue import backlog, workers
from jobs.queue.backlog import NextJobs, QueueGroup
from jobs.queue.conditions import lock_claims
from jobs.queue.resources import needs_of
from jobs.queue.workers import Fleet, LiveWorker
from jobs.states import Outcome
from jobs.tables import NOW, Job, JobAttempt, JobBlock

_MAX_CANDIDATES = 3
"""Jobs that one claim tries in turn: the first may be cancelled meanwhile."""

_FAULT_COOLDOWN_SECONDS = 60.0
"""For this time after a worker's fault, its job is left to other workers, even if it has failed on all."""

_BLOCK_DEVICE = JobBlock.numerics_key["device"].astext
_RESUMES_ON = (
    select(_BLOCK_DEVICE)
    .where(JobBlock.job_id == Job.id, _BLOCK_DEVICE.is_not(None))
    .order_by(JobBlock.finished_at.desc())
    .limit(1)
    .scalar_subquery()
)
"""The device of a job's latest block: finished blocks are used only on a device like that."""


def claim_next(session: Session, worker: str, lease_seconds: float) -> Claim | None:
    """Claim the job whose turn it is among those that a worker may run. None: there is none.

    First come the jobs of the worker's own queue, which fit no smaller one.
    """
    lock_claims(session)
    fleet = workers.fleet(session, lease_seconds)
    own = fleet.workers.get(worker)
    if own is None:  # it has sent no heartbeat, or is not registered
        return None
    if not own.takes_jobs:
        notify_on_commit(session, QUEUE)  # it received a message meant for another worker
        return None
    excluding = _jobs_reserved_for_others(session, own, fleet)
    for first in _candidates(session, own, fleet, excluding):
        for job_id in first.jobs:  # none where another process has cancelled the one that was there
            if (claim := lifecycle.claim(session, job_id, worker, lease_seconds)) is not None:
                return claim
    return None


def hand_back_unanswered(session: Session, lost: Claim) -> None:
    """Undo a claim that was committed, although the answer to its COMMIT was lost."""
    lock_claims(session)  # one whose COMMIT is still in flight holds the lock
    if not lifecycle.hand_back(session, lost, "the answer to its claim was lost"):
        lifecycle.finish_cancelling(session, lost)


def _candidates(
    session: Session, own: LiveWorker, fleet: Fleet, excluding: Collection[UUID]
) -> Iterator[NextJobs]:
    """Yield the next jobs of the worker's own queue, then those that it may run as well."""
    groups = claimable_groups([own], fleet, backlog.groups(session))
    needs = {group.stored_needs: group.needs for group in groups}
    own_needs = {stored for stored, each in needs.items() if fleet.own_queue(each) == own.queue}
    of_queue = [group for group in groups if group.stored_needs in own_needs]
    others = [group for group in groups if group.stored_needs not in own_needs]
    for among in (of_queue, others):
        if among:
            yield backlog.next_jobs(session, own.queue, among, _MAX_CANDIDATES, excluding=excluding)


def claimable_groups(
    able: Collection[LiveWorker], fleet: Fleet, groups: Collection[QueueGroup]
) -> list[QueueGroup]:
    """Return the groups whose jobs one of these workers may claim now: none of a paused queue, none to it."""
    taking = [it for it in able if it.takes_jobs and it.queue not in fleet.paused]
    needs = {group.stored_needs: group.needs for group in groups}
    may_run = {
        stored
        for stored, each in needs.items()
        if fleet.own_queue(each) not in fleet.paused and any(fleet.may_run(each, it) for it in taking)
    }
    return [group for group in groups if group.stored_needs in may_run]


def _jobs_reserved_for_others(session: Session, own: LiveWorker, fleet: Fleet) -> set[UUID]:
    """Return the jobs that are reserved for other live workers.

    Those are jobs that have lately failed here through a fault of this worker, and jobs with finished blocks
    that this worker's device could not use. Where no worker with such a device is alive, one may be starting
    again: the job is left to it for a while.
    """
    lately = NOW - timedelta(seconds=limits.RESUME_SECONDS)
    just_now = NOW - timedelta(seconds=_FAULT_COOLDOWN_SECONDS)
    faults = JobAttempt.job_id == Job.id, JobAttempt.outcome == Outcome.WORKER_FAULT
    failed_here = exists().where(*faults, JobAttempt.worker == own.name, JobAttempt.ended_at > lately)
    failed_just_now = exists().where(*faults, JobAttempt.worker == own.name, JobAttempt.ended_at > just_now)
    faulty = select(func.array_agg(JobAttempt.worker)).where(*faults, JobAttempt.ended_at > lately)
    device = _RESUMES_ON.label("device")
    rows = session.execute(
        select(
            Job.id,
            Job.needs,
            device,
            failed_just_now.label("failed_just_now"),
            faulty.scalar_subquery().label("failed_on"),
            (Job.queued_at > lately).label("went_back_lately"),
        ).where(*backlog.CAN_RUN, Job.attempt > 0, (device != (own.device or "")) | failed_here)
    )
    alive = {it.device for it in fleet.workers.values()}
    reserved = set()
    for row in rows:
        failed_on = row.failed_on or ()
        others = fleet.workers_for(needs_of(row.needs), excluding=own.name)
        like = [it for it in others if row.device is not None and it.device == row.device != own.device]
        # This one may be such a worker, where its own device was not measured.
        is_gone = None not in (own.device, row.device) and row.device not in alive
        # Others, too, leave it to those that it has not failed on, and that can use its blocks.
        useful = [it for it in others if row.device in (None, it.device)]
        well = [it for it in useful if it.name not in failed_on]
        failed = (own.name in failed_on and well) or (row.failed_just_now and others)
        if like or (is_gone and row.went_back_lately) or failed:
            reserved.add(row.id)
    return reserved
