"""The guarded UPDATE that every move of a job is made of, with its timestamp and its event."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Interval,
    Row,
    Text,
    cast,
    delete,
    exists,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import Session

from jobs.hints import hints
from jobs.lifecycle import event_log, usage
from jobs.lifecycle.events import StateChanged
from jobs.monitoring.at_commit import record_at_commit
from jobs.monitoring.catalogue import MOVES
from jobs.spec.plain_text import plain
from jobs.states import ENDED, HELD, TRANSITIONS, JobState, Outcome, PlacementState
from jobs.tables import NOW, Job, JobAttempt, JobBlock, Lease, Worker
from jobs.webhooks import outbox
from pruning.recipe import Stage

_CLASS_OF_BLOCKS = (
    select(Worker.queue)
    .where(
        Worker.name == Job.worker,
        Worker.capacity.is_not(None),
        Job.placement == PlacementState.PLACED,
        exists().where(
            JobBlock.job_id == Job.id, JobBlock.attempt == Job.attempt, JobBlock.stage != Stage.RESOLVE
        ),
    )
    .correlate(Job)
    .scalar_subquery()
)
"""The class of the worker that holds a job, if the running attempt has finished blocks."""

STORE_ANSWERS: dict[str, Any] = {
    "waiting_for": None,
    "next_try_at": None,
    "store_away_since": None,
    "store_tries": 0,
}
"""The columns of a job whose attempt does not wait for the store."""

_WAS_IN = literal_column("old.queue", Text)  # PostgreSQL's row before the UPDATE


def seconds(count: float) -> ColumnElement[Any]:
    """Return an interval, to be added to a time of the database."""
    return cast(literal(f"{count} seconds"), Interval)


def move(
    session: Session,
    job_id: UUID,
    expected: JobState,
    change: StateChanged,
    *guards: ColumnElement[bool],
    values: dict[str, Any] | None = None,
) -> Row[Any] | None:
    """Move a job from the state `expected` to `change.state`, with its timestamp and event, or do nothing.

    The lease ends with a move after which no worker holds the job. The attempt of the event is filled in
    here. Returns None if the job is in another state or a guard fails; else, among others,
    the `queue` in which the job was until now.
    """
    target = change.state
    if target not in TRANSITIONS[expected]:
        raise ValueError(f"no transition from {expected} to {target}")
    row = session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == expected, *guards)
        .values({"state": target, f"{target}_at": NOW, "last_event": Job.last_event + 1} | (values or {}))
        .returning(
            Job.last_event,
            Job.attempt,
            Job.owner,
            Job.spec,
            _WAS_IN.label("queue"),
            Job.queued_at,
            Job.running_at,
            Job.traceparent,
        )
    ).one_or_none()
    if row is not None:
        if expected in HELD and target not in HELD:
            session.execute(delete(Lease).where(Lease.job_id == job_id))
        event = change.model_copy(update={"attempt": row.attempt or None})
        event_log.append(session, job_id, row.owner, row.last_event, event)
        if target == JobState.QUEUED or (expected in HELD and target not in HELD):
            hints.give(session, hints.DISPATCH)
        if target in ENDED:
            outbox.enqueue_job_ended(session, job_id, target)
        record_at_commit(session, MOVES, before=expected, state=target)
    return row


def released(target: JobState) -> dict[str, Any]:
    """Return the columns of a job that no worker holds any more. Only an ended job keeps its last stage.

    Files that the attempt has written and no row names are orphaned from now on. A job that goes back to the
    queue, and of which the attempt has finished blocks, waits for the class of the worker that has computed
    them, which may have read another queue than its own. An attempt that has ended waits for the store no
    more; since when the Hub does not answer stays known.
    """
    lease = ("lease_token", "worker", "dispatched_at", "seconds_left")
    progress = ("stage", "step", "steps") if target == JobState.QUEUED else ()
    queue = {"queue": func.coalesce(_CLASS_OF_BLOCKS, Job.queue)} if target == JobState.QUEUED else {}
    return {
        "orphaned_files_since": NOW,
        **dict.fromkeys((*lease, *progress)),
        **queue,
        **STORE_ANSWERS,
    }


def close_attempt(
    session: Session, job_id: UUID, attempt: int, outcome: Outcome, reason: str | None, *, queue: str
) -> None:
    """Record how an attempt ended, how long a worker has had the job, and what its owner has used.

    `queue`: the one that it was claimed from.
    """
    had = session.scalar(
        update(JobAttempt)
        .where(JobAttempt.job_id == job_id, JobAttempt.attempt == attempt)
        .values(ended_at=func.clock_timestamp(), outcome=outcome, reason=reason and plain(reason))
        .returning(func.extract("epoch", JobAttempt.ended_at - JobAttempt.started_at))
    )
    if had is not None:
        spent = func.coalesce(Job.worker_seconds, 0) + float(had)
        session.execute(update(Job).where(Job.id == job_id).values(worker_seconds=spent))
    usage.record(session, job_id, attempt, queue)
