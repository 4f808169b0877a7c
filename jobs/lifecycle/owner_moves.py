"""What a job's owner requests: submit, cancel, retry, delete.

A deletion deletes the row at once, and with it events, attempts, labels and artifacts, as well as gradient
norms and dense measurements that the job has cached. `DeletedJob` keeps its id until the scheduler has
deleted the files. An Idempotency-Key stays, and names no job any more.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import case, func, insert, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session

from jobs.database import advisory_lock
from jobs.lifecycle import baselines, events
from jobs.lifecycle.events import StateChanged
from jobs.lifecycle.lifecycle import CLEAR_OUTAGE
from jobs.lifecycle.transitions import move, released
from jobs.monitoring import traces
from jobs.notify import QUEUE, notify_on_commit
from jobs.spec.job import JobSpec
from jobs.states import ENDED, RETRIABLE, JobState, SweepState
from jobs.storage import gradient_files, uploads
from jobs.storage.owned_files import InUse, content_reference, refuse_in_use
from jobs.tables import (
    NOW,
    Artifact,
    CachedPerplexity,
    DeletedJob,
    Job,
    JobLabel,
    Sweep,
    ZooEntry,
)
from pruning.recipe import NORMS_ONLY


class Conflict(Exception):
    """The job is not in a state that allows the move; `state` is the one it is in."""

    def __init__(self, state: JobState) -> None:
        super().__init__(f"the job is {state}")
        self.state = state


def create(
    session: Session,
    owner: str,
    spec: JobSpec,
    labels: Mapping[str, str] | None = None,
    *,
    priority: int = 0,
    sweep_id: UUID | None = None,
    max_queued: int | None = None,
) -> Job:
    """Insert a queued job with its first event. The stored job names uploads by their content.

    Raises `QueueFull` if the owner has `max_queued` queued jobs, and `UnknownReference`.
    """
    if sweep_id is None:  # a sweep has resolved it for all of its jobs
        baselines.resolve(session, owner, spec.gate)
    check_queue_limit(session, owner, max_queued)
    spec = uploads.resolve_references(session, owner, spec)
    given_labels = dict(labels or {})
    job = Job(
        owner=owner,
        spec=spec.model_dump(mode="json"),
        name=spec.name,
        recipe_fingerprint=spec.recipe.fingerprint(),
        model=spec.recipe.model.id,
        method=spec.method_name,
        pattern=spec.recipe.pattern,
        sparsity=spec.recipe.sparsity,
        labels=given_labels,
        priority=priority,
        sweep_id=sweep_id,
        traceparent=traces.traceparent(),
        last_event=1,
    )
    session.add(job)
    session.flush()
    events.append_event(session, job.id, owner, job.last_event, StateChanged(state=JobState.QUEUED))
    if given_labels:
        labelled = {"job_id": job.id, "owner": owner}
        rows = [labelled | {"name": name, "value": value} for name, value in given_labels.items()]
        session.execute(insert(JobLabel), rows)
    notify_on_commit(session, QUEUE)
    return job


def cancel(session: Session, owner: str, job_id: UUID) -> bool:
    """Cancel a queued job at once, or ask a running one to stop. What attempts have sent of it is orphaned.

    Returns False if the owner has no such job. Raises `Conflict` if it has ended.
    """
    of_owner = select(Job.state).where(Job.id == job_id, Job.owner == owner)
    state = session.scalar(of_owner.with_for_update())  # else a worker could hand it back in between
    if state is None:
        return False
    if state == JobState.QUEUED:
        orphaned = {"orphaned_files_since": case((Job.attempt > 0, NOW))}
        move(session, job_id, JobState.QUEUED, StateChanged(state=JobState.CANCELLED), values=orphaned)
    elif state == JobState.RUNNING:
        move(session, job_id, JobState.RUNNING, StateChanged(state=JobState.CANCELLING))
    elif state != JobState.CANCELLING:
        raise Conflict(JobState(state))
    return True


def retry(session: Session, owner: str, job_id: UUID, *, max_queued: int | None = None) -> bool:
    """Queue a failed or cancelled job again, to be sized anew. It resumes from its finished blocks.

    Returns False if the owner has no such job. Raises `Conflict` in any other state, and `QueueFull` if
    the owner has `max_queued` queued jobs.
    """
    state = _state(session, owner, job_id)
    if state in RETRIABLE:
        check_queue_limit(session, owner, max_queued)
        fresh = released(JobState.QUEUED) | CLEAR_OUTAGE
        fresh |= {"lost_attempts": 0, "needs": None, "error": None, "ended_at": None, "retried_at": NOW}
        change = StateChanged(state=JobState.QUEUED, reason="retried")
        if move(session, job_id, state, change, values=fresh):
            _reopen_sweep(session, job_id)
            return True
        state = _state(session, owner, job_id)  # another request was faster
    if state is None:
        return False
    raise Conflict(state)


def _state(session: Session, owner: str, job_id: UUID) -> JobState | None:
    """Return the state of one of the owner's jobs, or None if there is no such job."""
    state = session.scalar(select(Job.state).where(Job.id == job_id, Job.owner == owner))
    return None if state is None else JobState(state)


def _reopen_sweep(session: Session, job_id: UUID) -> None:
    """Let the job's sweep run again, if it has ended."""
    of_job = select(Job.sweep_id).where(Job.id == job_id).scalar_subquery()
    fresh = {"state": SweepState.RUNNING, "error": None, "ended_at": None}
    session.execute(update(Sweep).where(Sweep.id == of_job).values(fresh))


class QueueFull(Exception):
    """The owner already has as many queued jobs as are allowed."""

    def __init__(self, queued: int, allowed: int, new: int) -> None:
        """Keep the numbers for the message to the caller; `new`: of the jobs that are refused."""
        super().__init__(f"{queued} jobs are queued, and {allowed} are allowed")
        self.queued = queued
        self.allowed = allowed
        self.new = new


def check_queue_limit(session: Session, owner: str, allowed: int | None, *, inserted: int = 0) -> None:
    """Raise `QueueFull` unless this transaction may queue one more job of the owner, or those that it has.

    An advisory lock serialises the transactions of one owner, so that two of them cannot take the last place.
    One that inserts many jobs takes it after that, and keeps others waiting for a moment only.
    """
    if allowed is not None:
        advisory_lock(session, f"queue of {owner}")
        check_room(session, owner, allowed, inserted or 1, inserted=inserted)


def check_room(session: Session, owner: str, allowed: int | None, new: int, *, inserted: int = 0) -> None:
    """Raise `QueueFull` if the owner has no room for `new` jobs, of which `inserted` are there. No lock."""
    if allowed is None:
        return
    of_owner = select(func.count()).where(Job.owner == owner, Job.state == JobState.QUEUED)
    queued = session.scalars(of_owner).one() - inserted
    if queued + new > allowed:
        raise QueueFull(queued, allowed, new)


class JobInUse(Exception):
    """The job has ended, but is in use; the message names the use, and what to do."""


def delete(session: Session, owner: str, job_id: UUID) -> bool:
    """Delete a job that has ended. Returns False if the owner has no such job.

    Raises `Conflict` if it has not ended, and `JobInUse` while it is in the zoo, its sweep runs, or another
    job compares with it or needs its gradient norms.
    """
    job = session.execute(
        select(Job.state, Job.sweep_id).where(Job.id == job_id, Job.owner == owner).with_for_update()
    ).one_or_none()
    if job is None:
        return False
    if job.state not in ENDED:
        raise Conflict(JobState(job.state))
    if slug := session.scalar(select(ZooEntry.slug).where(ZooEntry.job_id == job_id)):
        raise JobInUse(f"The job is in the zoo as {slug}. Withdraw it there first.")
    if job.sweep_id is not None:
        state = session.scalar(select(Sweep.state).where(Sweep.id == job.sweep_id))
        if state == SweepState.RUNNING:
            raise JobInUse(
                "The job belongs to a sweep that is running. Cancel the sweep, or wait for its end."
            )
    if user := baselines.in_use(session, [owner]).get(job_id):
        raise JobInUse(f"Job {user} compares with it. Cancel that, or wait for its end.")
    _refuse_needed_norms(session, owner, job_id)
    delete_rows(session, [job_id])
    return True


def _refuse_needed_norms(session: Session, owner: str, job_id: UUID) -> None:
    norms = session.scalar(
        select(Artifact)
        .join(Job)
        .where(Artifact.job_id == job_id, Job.method == NORMS_ONLY)
        .with_for_update(of=Artifact)
    )
    if norms is not None:
        try:
            refuse_in_use(session, owner, content_reference(norms.sha256, gradient_files.FORMAT))
        except InUse as used:
            raise JobInUse(
                f"Its gradient norms are used: {used}. Cancel that, or wait for its end."
            ) from used


def delete_rows(session: Session, job_ids: Sequence[UUID]) -> None:
    """Delete ended jobs, whose rows the caller has locked. The scheduler deletes their files."""
    if job_ids:
        session.execute(insert(DeletedJob), [{"job_id": job_id} for job_id in job_ids])
        session.execute(delete_from(CachedPerplexity).where(CachedPerplexity.job_id.in_(job_ids)))
        session.execute(delete_from(Job).where(Job.id.in_(job_ids)))
