"""Requeues a job whose worker has too little memory or disk, with its needs raised.

It then waits for a worker that has more. If none is alive, the reason of its wait names the shortage.
"""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import workers
from jobs.queue.resources import Needs, fits, needs_of
from jobs.states import JobState, LostAttempt
from jobs.tables import Job


def requeue_out_of_memory(
    session: Session, claim: Claim, worker: str, error: JobError, *, of_host: bool
) -> bool:
    """End an attempt whose worker ran out of memory: the job needs more than that worker has from now on.

    `of_host`: more of the host's memory, and not of a GPU's.
    """
    needs = _raised_needs(session, claim.job_id, worker, of_host=of_host)
    if needs is None:  # the worker's capacity is unknown
        return lifecycle.fail(session, claim, error)
    return lifecycle.hand_back(session, claim, error.message, needs=needs.model_dump())


def take_back_out_of_memory(
    session: Session, claim: Claim, worker: str, reason: str, max_lost_attempts: int, seen_within: float
) -> JobState | None:
    """Take a job back whose process the system has killed, because the host's memory ran out.

    A larger worker takes it, if one is alive; then the attempt does not count as lost. Else it does, and
    the needs stay: another process of the machine may have taken the memory. Returns the new state, or None
    if the job has moved on.
    """
    needs = _raised_needs(session, claim.job_id, worker, of_host=True)
    if needs is not None and workers.fleet(session, seen_within).workers_for(needs):
        requeued = lifecycle.hand_back(session, claim, reason, needs=needs.model_dump())
        return JobState.QUEUED if requeued else None
    lost = LostAttempt.OUT_OF_MEMORY
    return lifecycle.take_back(session, claim.job_id, claim.lease_token, reason, max_lost_attempts, lost)


def record_needs_if_fits(session: Session, claim: Claim, worker: str, needs: Needs) -> bool:
    """Record what a job needs, now that its worker has the model. Returns whether it may run there.

    What was known already is never lowered: a worker may have run out of memory. Needs that only the request
    states are raised to the least that it may state for this model.
    """
    stored = session.scalar(select(Job.needs).where(Job.id == claim.job_id))
    known = needs_of(stored) if stored else None
    needs = needs if known is None else known.max_with(needs)
    if needs == known:
        return True
    session.execute(update(Job).where(*lifecycle.running_under(claim)).values(needs=needs.model_dump()))
    capacity = workers.capacity_of(session, worker)
    return capacity is None or fits(needs, capacity)


def wait_for_room(session: Session, claim: Claim, worker: str, size: int) -> bool:
    """Record that a job needs a scratch disk with this `size`, and that its worker has less for now.

    The worker records what it has once it is more. Returns False if the job no longer runs under this claim.
    """
    has = workers.capacity_of(session, worker)
    if has is not None and has.scratch_bytes >= size:
        workers.record_scratch(session, worker, size - 1)
    needs = needs_of(session.scalar(select(Job.needs).where(Job.id == claim.job_id)) or {})
    names = ("scratch_bytes", "cpu_scratch_bytes")
    raised = needs.model_copy(update={name: max(size, getattr(needs, name)) for name in names})
    changed = update(Job).where(*lifecycle.running_under(claim)).values(needs=raised.model_dump())
    return session.scalar(changed.returning(Job.id)) is not None


def _raised_needs(session: Session, job_id: UUID, worker: str, *, of_host: bool) -> Needs | None:
    """Return what a job needs that a worker had too little memory for; None if that is not known."""
    stored = session.scalar(select(Job.needs).where(Job.id == job_id))
    has = workers.capacity_of(session, worker)
    if stored is None or has is None:
        return None
    return needs_of(stored).raised_above(
        gpus=has.gpus, device_bytes=has.device_bytes, host_bytes=has.host_bytes, of_host=of_host
    )
