"""The state machine of a job. Every move is one guarded UPDATE of the job's row, and one event.

The guard replaces locks: a write names the job, the state that it expects and, while a worker holds the job,
that worker's lease token. If no row is updated, the job has moved on, and the caller stops. Some moves lock
in addition: `take_back` and a cancellation the row that they read before they decide about the job's next
state, and `owner_moves` counts an owner's queued jobs under an advisory lock.

The moves of the job's owner are in `owner_moves`. Here come those of the worker that holds it, then the
reaper's. How an attempt ends:

| cause                                 | move                        | called by                          |
| ------------------------------------- | --------------------------- | ---------------------------------- |
| the result is in the store            | `succeed`                   | `worker.run_job`                   |
| the job fails, or runs too long       | `fail`                      | `worker.run_job`, the watchdog     |
| it is being cancelled                 | `finish_cancelling`         | `worker.run_job`, the watchdog     |
| the worker shuts down                 | `hand_back`                 | `worker.run_job`, the watchdog     |
| too little memory or disk             | `hand_back`, with its needs | `worker.run_job`, watchdog, parent |
| another job computes what it needs    | `requeue_until`             | `worker.attempt.caches`            |
| the Hub or the store does not answer  | `requeue_while_unreachable` | `worker.run_job`                   |
| a fault of the worker                 | `requeue_after_fault`       | `worker.run_job`                   |
| no progress                           | `take_back`                 | `worker.supervision.watchdog`      |
| its process died                      | `take_back`                 | `worker.supervision.parent`        |
| its lease expired: the worker is gone | `take_back`                 | `scheduler.rounds`                 |
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, exists, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from jobs.lifecycle import baselines, events, usage
from jobs.lifecycle.events import EventData, JobError, StateChanged
from jobs.lifecycle.transitions import close_attempt, move, released
from jobs.monitoring import traces
from jobs.monitoring.catalogue import LOST_ATTEMPTS, QUEUE_WAIT
from jobs.monitoring.metrics import record_on_commit
from jobs.spec.gate import Verdict
from jobs.spec.job import JobSpec
from jobs.spec.verdict import judge, report_columns
from jobs.states import HELD, JobState, LostAttempt, Outcome
from jobs.tables import NOW, Artifact, Job, JobAttempt, JobBlock, Lease, Worker
from jobs.webhooks import outbox
from pruning.recipe.exports import FOLDER


@dataclass(frozen=True, slots=True)
class Claim:
    """The lease of one attempt of a job. Every write of the worker names it."""

    job_id: UUID
    attempt: int
    lease_token: UUID
    owner: str
    stored_spec: dict[str, Any]
    traceparent: str | None = None
    """The place in a trace of the request that has submitted the job."""

    @property
    def spec(self) -> JobSpec:
        """The specification. Raises `pydantic.ValidationError` if it is not valid here."""
        return JobSpec.model_validate(self.stored_spec)


CLEAR_OUTAGE: dict[str, Any] = {"outage": None, "next_try_at": None}
"""The columns of a job of which nothing is known to be out of reach."""

_WEIGHTS = ".safetensors"
_EXPORTS = f"{FOLDER}/"
_MASKS = "masks.safetensors"  # as pruning.masks.packed names it, which needs torch

# Seconds before each further try to reach what did not answer; the last one holds for all that follow.
_WAITS = (10.0, 20.0, 40.0, 80.0, 160.0, 300.0)
# What a longer try counts for: it may have got on, with a download, say.
_MAX_SECONDS_OF_A_TRY = 3600.0


@dataclass(frozen=True, slots=True)
class FinishedArtifact:
    """A file of the result that is durable in the store."""

    name: str
    key: str
    size: int
    sha256: str
    stored_size: int | None = None
    """Bytes in the store, if it is kept compressed."""


def claim(session: Session, job_id: UUID, worker: str, lease_seconds: float) -> Claim | None:
    """Take a queued job under a new lease token. Returns None if it is not queued any more.

    Whose turn it is, and whether the worker may run it, `jobs.queue.claim` decides.
    """
    token = uuid4()
    row = move(
        session,
        job_id,
        JobState.QUEUED,
        StateChanged(state=JobState.RUNNING, worker=worker),
        values={
            "attempt": Job.attempt + 1,
            "worker": worker,
            "queue": select(Worker.queue).where(Worker.name == worker).scalar_subquery(),
            "lease_token": token,
            "progressed_at": NOW,
            "error": None,
            "blocked_on": None,
            "next_try_at": None,
        },
    )
    if row is None:
        return None
    if _is_first_attempt(session, job_id):
        outbox.enqueue_job_started(session, job_id)
    began = {"job_id": job_id, "attempt": row.attempt, "worker": worker, "gpus": usage.gpus_of(worker)}
    session.execute(insert(JobAttempt).values(began))
    lease = {"token": token, "expires_at": NOW + timedelta(seconds=lease_seconds)}
    session.execute(
        upsert(Lease)
        .values(job_id=job_id, **lease)
        .on_conflict_do_update(index_elements=["job_id"], set_=lease)
    )
    waited = (row.running_at - row.queued_at).total_seconds()
    record_on_commit(session, QUEUE_WAIT, max(0.0, waited), queue=row.queue or "unknown")
    traces.past_span("queued", waited, parent=row.traceparent)
    return Claim(job_id, row.attempt, token, row.owner, row.spec, row.traceparent)


def _is_first_attempt(session: Session, job_id: UUID) -> bool:
    """Whether no attempt of the job was recorded yet since its submission or its last retry."""
    return not session.scalar(
        select(
            exists().where(
                JobAttempt.job_id == job_id,
                Job.id == job_id,
                JobAttempt.started_at >= func.coalesce(Job.retried_at, Job.created_at),
            )
        )
    )


def extend_lease(session: Session, claim: Claim, lease_seconds: float) -> JobState | None:
    """Extend the lease, and return the job's state. Returns None if the worker has lost the job."""
    state = session.scalar(
        update(Lease)
        .where(Lease.job_id == Job.id, Lease.token == claim.lease_token, Lease.expires_at > NOW)
        .where(*_held_by(claim))
        .values(expires_at=NOW + timedelta(seconds=lease_seconds))
        .returning(Job.state)
        .execution_options(synchronize_session=False)
    )
    return None if state is None else JobState(state)


def record(session: Session, claim: Claim, event: EventData) -> bool:
    """Write an event of a running job, and the columns that it updates.

    Returns False if the job no longer runs under this claim: the caller must stop.
    """
    values: dict[str, Any] = {"last_event": Job.last_event + 1, "progressed_at": NOW}
    if changes := event.progress():
        known = func.coalesce(Job.progress, literal({}, JSONB))
        values["progress"] = known.op("||")(literal(changes, JSONB))
    row = session.execute(
        update(Job).where(*running_under(claim)).values(values).returning(Job.last_event)
    ).one_or_none()
    if row is None:
        return False
    events.append_event(session, claim.job_id, claim.owner, row.last_event, event)
    return True


def judged(session: Session, claim: Claim, report: dict[str, Any]) -> Verdict | None:
    """Return the verdict of the job's gate on its report; None for a job without one."""
    if claim.spec.gate is None:
        return None
    return judge(claim.spec.gate, report, baselines.find_for_verdict(session, claim.owner, claim.spec))


def succeed(
    session: Session,
    claim: Claim,
    report: dict[str, Any] | None,
    artifacts: Sequence[FinishedArtifact],
    verdict: Verdict | None = None,
) -> bool:
    """End a job with success: its report, the verdict of its gate and its artifacts, or nothing at all.

    Its finished blocks are orphaned, but for what a cache names, and so is what was sent and is no artifact.
    `report`: None for a gradient job, which measures nothing. `verdict`: the one that has decided which
    artifacts there are; without it the gate is judged now.
    """
    values = report_columns(report) if report else {}
    if report:
        values["figures"]["stored_weight_bytes"] = _stored_weight_bytes(artifacts)
    if report and (verdict := verdict or judged(session, claim, report)):
        values["gate"] = verdict.model_dump(mode="json")
    change = StateChanged(state=JobState.SUCCEEDED)
    moved = _end_attempt(session, claim, change, Outcome.SUCCEEDED, values=values)
    if moved:
        session.add_all(Artifact(job_id=claim.job_id, **asdict(artifact)) for artifact in artifacts)
        session.execute(delete(JobBlock).where(JobBlock.job_id == claim.job_id))
    return moved


def _stored_weight_bytes(artifacts: Sequence[FinishedArtifact]) -> int | None:
    """Return what the weight files take in the store; None for a result without them."""
    kept = [
        one.size if one.stored_size is None else one.stored_size
        for one in artifacts
        if one.name.endswith(_WEIGHTS) and one.name != _MASKS and not one.name.startswith(_EXPORTS)
    ]
    return sum(kept) if kept else None


def fail(session: Session, claim: Claim, error: JobError) -> bool:
    """End a job with failure."""
    change = StateChanged(state=JobState.FAILED, error=error)
    values = {"error": error.model_dump(exclude_none=True)}
    return _end_attempt(session, claim, change, Outcome.FAILED, reason=error.message, values=values)


def requeue_after_fault(session: Session, claim: Claim, error: JobError, max_worker_faults: int) -> bool:
    """Put the job back into the queue because its worker, and not the job, is at fault.

    The attempt is not a lost one. The job fails with the last error after `max_worker_faults` such attempts
    since its last finished block, or since a later retry.
    """
    faults = 1 + _count_since_last_block(session, claim.job_id, Outcome.WORKER_FAULT)
    if faults < max_worker_faults:
        change = StateChanged(state=JobState.QUEUED, reason=error.message)
        return _end_attempt(session, claim, change, Outcome.WORKER_FAULT, reason=error.message)
    message = f"{faults} attempts failed through faults of workers; the last: {error.message}"
    return fail(session, claim, error.model_copy(update={"message": message}))


def requeue_while_unreachable(
    session: Session, claim: Claim, error: JobError, patience_seconds: float, *, what: str | None = None
) -> bool:
    """Put the job back into the queue because something outside does not answer: the store, or the Hub, say.

    It is tried again after 10 s, then after twice as long each time, at most 5 min. The attempt is not a lost
    one. The job fails with the error when these waits and the attempts that ended in one since the first of
    them take more than `patience_seconds`; a retry of the job or a newly finished block starts them again.

    `what` does not answer, where the error's message says what to do as well: here nothing has to be done.
    """
    row = session.execute(select(Job, NOW.label("now")).where(Job.id == claim.job_id)).one_or_none()
    if row is None:
        return False
    awaited = "store" if error.type == "store" else "hub"
    before = row.Job.outage_of(awaited)
    since, tries = before.since or row.now, before.tries + 1
    waits = [_WAITS[min(earlier, len(_WAITS) - 1)] for earlier in range(tries)]
    next_try_at = row.now + timedelta(seconds=waits[-1])
    tried_seconds = before.tried_seconds
    if before.tries:
        this_attempt = JobAttempt.job_id == claim.job_id, JobAttempt.attempt == claim.attempt
        seconds = session.scalars(select(usage.SECONDS_OF_ATTEMPT).where(*this_attempt)).one()
        tried_seconds += min(float(seconds), _MAX_SECONDS_OF_A_TRY)
    if sum(waits) + tried_seconds > patience_seconds:  # the time since then may be a night without workers
        lasted = f"{error.message} ({tries} tries since {since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"
        return fail(session, claim, error.model_copy(update={"message": lasted} if tries > 1 else {}))
    what = what or error.message
    awaited_name = "the store" if awaited == "store" else "the Hub"
    reason = f"waiting for {awaited_name}, next try at {next_try_at.astimezone(UTC):%H:%M:%S} UTC: {what}"
    outage = {"since": since.isoformat(), "tries": tries, "tried_seconds": tried_seconds}
    values = {
        "outage": (row.Job.outage or {}) | {"awaited": awaited, "waiting_for": what, awaited: outage},
        "next_try_at": next_try_at,
    }
    change = StateChanged(state=JobState.QUEUED, reason=reason)
    return _end_attempt(session, claim, change, Outcome.UNREACHABLE, reason=reason, values=values)


def hand_back(session: Session, claim: Claim, reason: str, *, needs: dict[str, Any] | None = None) -> bool:
    """Put the job back into the queue because its worker must stop, or has less than the job `needs`.

    The attempt is not a lost one.
    """
    change = StateChanged(state=JobState.QUEUED, reason=reason)
    values = {} if needs is None else {"needs": needs}
    return _end_attempt(session, claim, change, Outcome.HANDED_BACK, reason=reason, values=values)


def requeue_until(session: Session, claim: Claim, computing_job: UUID | None, reason: str) -> bool:
    """Put the job back into the queue until `computing_job` has computed what both need, or does not compute.

    None: that has happened in the meantime, and the job may be claimed at once.
    """
    change = StateChanged(state=JobState.QUEUED, reason=reason)
    values = {"blocked_on": computing_job}
    return _end_attempt(session, claim, change, Outcome.HANDED_BACK, reason=reason, values=values)


def finish_cancelling(session: Session, claim: Claim) -> bool:
    """End a job that is being cancelled."""
    change = StateChanged(state=JobState.CANCELLED)
    return _end_attempt(session, claim, change, Outcome.CANCELLED, expected=JobState.CANCELLING)


def take_back(
    session: Session,
    job_id: UUID,
    token: UUID,
    reason: str,
    max_lost_attempts: int,
    kind: LostAttempt = LostAttempt.LOST_WORKER,
    *,
    of_the_job: bool = True,
) -> JobState | None:
    """Take a job back from a worker whose lease has expired, or that has died, of `kind`.

    The job returns to the queue. It ends if it was being cancelled, or if this was the last of
    `max_lost_attempts` in a row. Returns the new state, or None if the job has moved on in the meantime.

    `of_the_job`: False where not the job's process alone is lost, but the whole worker, or the database. That
    is not counted among the job's lost attempts: machines are lost for their own reasons. But a job may be
    what ends them, so it ends as well after `max_lost_attempts` that were lost, for whatever reason, since
    its last block.
    """
    row = session.execute(
        select(Job.state, Job.lost_attempts)
        .where(Job.id == job_id, Job.lease_token == token)
        .with_for_update()
    ).one_or_none()
    if row is None:
        return None
    before = row.lost_attempts if of_the_job else _count_since_last_block(session, job_id, Outcome.LOST)
    lost = before + 1
    values: dict[str, Any] = {"lost_attempts": lost} if of_the_job else {}
    if row.state == JobState.CANCELLING:
        change = StateChanged(state=JobState.CANCELLED)
    elif lost < max_lost_attempts:
        change = StateChanged(state=JobState.QUEUED, reason=reason)
    else:
        message = f"lost {lost} times in a row without a new finished block; last: {reason}"
        error = JobError(type=kind, message=message)
        change = StateChanged(state=JobState.FAILED, error=error)
        values["error"] = error.model_dump(exclude_none=True)
    moved = move(session, job_id, row.state, change, values=released(change.state) | values)  # still locked
    if moved is None:
        return None
    close_attempt(session, job_id, moved.attempt, Outcome.LOST, reason)
    record_on_commit(session, LOST_ATTEMPTS, kind=kind)
    return change.state


def _count_since_last_block(session: Session, job_id: UUID, outcome: Outcome) -> int:
    """Return how many attempts ended so since the last finished block, or since a later retry."""
    last_block = (
        select(func.coalesce(func.max(JobBlock.attempt), 0))
        .where(JobBlock.job_id == job_id)
        .scalar_subquery()
    )
    return session.scalars(
        select(func.count()).where(
            JobAttempt.job_id == job_id,
            JobAttempt.outcome == outcome,
            JobAttempt.attempt >= last_block,
            JobAttempt.started_at >= func.coalesce(Job.retried_at, Job.created_at),
            Job.id == JobAttempt.job_id,
        )
    ).one()


def running_under(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    """Return the guard of a worker's writes: the job is running under this claim."""
    return *_held_by(claim), Job.state == JobState.RUNNING


def _held_by(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return Job.id == claim.job_id, Job.lease_token == claim.lease_token, Job.state.in_(HELD)


def _end_attempt(
    session: Session,
    claim: Claim,
    change: StateChanged,
    outcome: Outcome,
    *,
    reason: str | None = None,
    values: dict[str, Any] | None = None,
    expected: JobState = JobState.RUNNING,
) -> bool:
    held = Job.lease_token == claim.lease_token
    values = released(change.state) | (values or {})
    moved = move(session, claim.job_id, expected, change, held, values=values)
    if moved is None:
        return False
    close_attempt(session, claim.job_id, claim.attempt, outcome, reason)
    return True
