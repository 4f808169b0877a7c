"""The guarded UPDATE that every move of a job is made of, with its timestamp and its event."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Text,
    delete,
    literal,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from jobs.lifecycle import events, usage
from jobs.lifecycle.events import StateChanged
from jobs.monitoring.catalogue import MOVES
from jobs.monitoring.metrics import record_on_commit
from jobs.notify import QUEUE, notify_on_commit
from jobs.spec.plain_text import plain
from jobs.states import ENDED, HELD, TRANSITIONS, JobState, Outcome
from jobs.tables import NOW, Job, JobAttempt, Lease, SentFile
from jobs.webhooks import outbox

_DISCARDS_SENT_FILES = (JobState.SUCCEEDED, JobState.CANCELLED)
"""The states of a job whose sent output is not kept for another attempt."""

_TIMES = {
    JobState.QUEUED: "queued_at",
    JobState.RUNNING: "running_at",
    JobState.CANCELLING: "cancelling_at",
}


def move(
    session: Session,
    job_id: UUID,
    expected: JobState,
    change: StateChanged,
    *guards: ColumnElement[bool],
    values: dict[str, Any] | None = None,
) -> Row[Any] | None:
    """Move a job from the state `expected` to `change.state`, with its timestamp and event, or do nothing.

    After a move from a worker `close_attempt` must follow. The attempt of the event is filled in here.
    Returns None if the job is in another state or a guard fails.
    """
    target = change.state
    if target not in TRANSITIONS[expected]:
        raise ValueError(f"no transition from {expected} to {target}")
    at = _TIMES.get(target, "ended_at")
    row = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == expected, *guards)
        .values({"state": target, at: NOW, "last_event": Job.last_event + 1} | (values or {}))
        .returning(
            Job.last_event,
            Job.attempt,
            Job.owner,
            Job.spec,
            Job.queue,
            Job.queued_at,
            Job.running_at,
            Job.traceparent,
        )
    ).one_or_none()
    if row is not None:
        event = change.model_copy(update={"attempt": row.attempt or None})
        events.append_event(session, job_id, row.owner, row.last_event, event)
        if target not in HELD:
            notify_on_commit(session, QUEUE)
        if target in _DISCARDS_SENT_FILES:
            session.execute(delete(SentFile).where(SentFile.job_id == job_id))
        if target in ENDED:
            outbox.enqueue_job_ended(session, job_id, target)
        record_on_commit(session, MOVES, before=expected, state=target)
    return row


def released(target: JobState) -> dict[str, Any]:
    """Return the columns of a job that no worker holds any more. Only an ended job keeps its last stage.

    Files that the attempt has written and no row names are orphaned from now on. Since when something outside
    does not answer stays known.
    """
    last = Job.progress.op("-")(literal(["seconds_left", "memory_bytes"], ARRAY(Text)))
    return {
        "orphaned_files_since": NOW,
        "lease_token": None,
        "worker": None,
        "progress": None if target == JobState.QUEUED else last,
        "next_try_at": None,
    }


def close_attempt(session: Session, job_id: UUID, attempt: int, outcome: Outcome, reason: str | None) -> None:
    """Record how an attempt ended, and what its owner has used. The lease ends with it."""
    session.execute(
        update(JobAttempt)
        .where(JobAttempt.job_id == job_id, JobAttempt.attempt == attempt)
        .values(ended_at=usage.held_until(job_id), outcome=outcome, reason=reason and plain(reason))
    )
    session.execute(delete(Lease).where(Lease.job_id == job_id))
    usage.record(session, job_id, attempt)
