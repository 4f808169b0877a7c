"""Transitions that a job's owner requests: submit, cancel, change the priority, retry."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from jobs.lifecycle import event_log, quota
from jobs.lifecycle.events import LogMessage, StateChanged
from jobs.lifecycle.lifecycle import CLEAR_OUTAGE
from jobs.lifecycle.transitions import move, released
from jobs.monitoring import traces
from jobs.notify import QUEUE, notify_on_commit
from jobs.spec.job import JobSpec
from jobs.spec.labels import index_labels
from jobs.states import RETRIABLE, JobState, SweepState
from jobs.storage import uploads
from jobs.tables import NOW, Job, Sweep
from pruning.recipe.recipe import fingerprint_of


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
    checks_pending: bool = False,
) -> Job:
    """Insert a queued job with its first event. The stored job names uploads by their content.

    With `checks_pending`, the scheduler looks at the job's files before a worker claims it.

    Raises `quota.QueueFull` if the owner has `max_queued` queued jobs, and `UnknownUpload`.
    """
    quota.take_place_in_queue(session, owner, max_queued)
    spec = uploads.resolved(session, owner, spec)
    document = spec.canonical()
    given_labels = dict(labels or {})
    job = Job(
        owner=owner,
        spec=document,
        name=spec.name,
        recipe_fingerprint=fingerprint_of(document["recipe"]),
        model=spec.recipe.model.id,
        method=spec.method_name,
        pattern=spec.recipe.pattern,
        sparsity=spec.recipe.sparsity,
        labels=given_labels,
        priority=priority,
        sweep_id=sweep_id,
        checks_pending=checks_pending,
        traceparent=traces.traceparent(),
        last_event=1,
    )
    session.add(job)
    session.flush()
    event_log.append(session, job.id, owner, job.last_event, StateChanged(state=JobState.QUEUED))
    index_labels(session, owner, job.id, given_labels)
    notify_on_commit(session, QUEUE)
    return job


def cancel(session: Session, owner: str, job_id: UUID) -> bool:
    """Cancel a queued job at once, or ask a running one to stop. What attempts have sent of it is orphaned.

    Returns False if the owner has no such job. Raises `Conflict` if it has ended.
    """
    owned = Job.owner == owner
    at_once = StateChanged(state=JobState.CANCELLED)
    orphaned = {"orphaned_files_since": case((Job.attempt > 0, NOW), else_=Job.orphaned_files_since)}
    if move(session, job_id, JobState.QUEUED, at_once, owned, values=orphaned):
        return True
    if move(session, job_id, JobState.RUNNING, StateChanged(state=JobState.CANCELLING), owned):
        return True
    state = _state(session, owner, job_id)
    if state is None:
        return False
    if state == JobState.CANCELLING:
        return True
    raise Conflict(state)


def set_priority(session: Session, owner: str, job_id: UUID, priority: int) -> bool:
    """Let a queued job run before or after others of its owner.

    Returns False if the owner has no such job. Raises `Conflict` if it is not queued.
    """
    row = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.owner == owner, Job.state == JobState.QUEUED)
        .values(priority=priority, last_event=Job.last_event + 1)
        .returning(Job.last_event, Job.attempt)
    ).one_or_none()
    if row is not None:
        event = LogMessage(attempt=row.attempt or None, message=f"the priority is {priority} now")
        event_log.append(session, job_id, owner, row.last_event, event)
        return True
    state = _state(session, owner, job_id)
    if state is None:
        return False
    raise Conflict(state)


def retry(session: Session, owner: str, job_id: UUID, *, max_queued: int | None = None) -> bool:
    """Queue a failed or cancelled job again. It resumes from its finished blocks.

    Returns False if the owner has no such job. Raises `Conflict` in any other state, and `quota.QueueFull` if
    the owner has `max_queued` queued jobs.
    """
    state = _state(session, owner, job_id)
    if state in RETRIABLE:
        quota.take_place_in_queue(session, owner, max_queued)
        fresh = released(JobState.QUEUED) | CLEAR_OUTAGE
        fresh |= {"lost_attempts": 0, "error": None, "ended_at": None, "retried_at": NOW}
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
