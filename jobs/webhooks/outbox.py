"""The outbox of webhook messages.

A message is written in the transaction of the change that it announces, one row per endpoint. The scheduler
sends it at least once. Every attempt carries the id of the row, so that receivers can recognise repetitions.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Subquery, case, delete, func, insert, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from jobs.spec.gate import GateState
from jobs.states import JobState
from jobs.tables import NOW, SEARCH_NOW, Job, WebhookDelivery, WebhookEndpoint, first_id_at, page

MAX_PER_OWNER = 8
"""Messages of one owner that a sender has under way at once, so that slow endpoints delay no others'."""

MAX_PENDING = 100
"""Pending messages of an endpoint with which it takes no tests and replays."""

MAX_COUNTED = 10_000
"""Due messages that are counted."""

_MAX_PER_ENDPOINT = 4
_MINUTE, _HOUR = 60.0, 3600.0

# Seconds after each failed attempt, before jitter: about four days in all.
BACKOFF = (
    *(5.0, 30.0, 2 * _MINUTE, 10 * _MINUTE, 30 * _MINUTE),
    *(2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR, 24 * _HOUR),
)
_JITTER = 0.2


class TooManyPending(Exception):
    """The endpoint has `MAX_PENDING` pending messages."""


class WebhookEvent(StrEnum):
    """The events that an endpoint can subscribe to."""

    JOB_STARTED = "job.started"
    JOB_SUCCEEDED = "job.succeeded"
    JOB_FAILED = "job.failed"
    JOB_CANCELLED = "job.cancelled"
    JOB_GATE_NOT_PASSED = "job.gate_not_passed"


TEST = "webhook.test"
"""The type of a test message, which is sent to one endpoint whatever its subscriptions are."""


@dataclass(frozen=True, slots=True)
class DueMessage:
    """A message to send now.

    `lease_expires_at` guards its outcome, which is stale after a replay or a later attempt: both change when
    the message is due. A replay counts attempts from one again, so `attempt` cannot.
    """

    id: UUID
    endpoint_id: UUID
    owner: str
    attempt: int
    lease_expires_at: datetime
    url: str
    format: str
    encrypted_secret: bytes
    payload: dict[str, Any]


def enqueue_job_started(session: Session, job_id: UUID) -> None:
    """Write the messages about a job's start, for every endpoint of its owner that subscribes to it."""
    _enqueue_all(session, job_id, JobState.RUNNING, WebhookEvent.JOB_STARTED)


def enqueue_job_ended(session: Session, job_id: UUID, state: JobState) -> None:
    """Write the messages about a job's end, for every endpoint of its owner that subscribes to it."""
    _enqueue_all(session, job_id, state, f"job.{state}")


def _enqueue_all(session: Session, job_id: UUID, state: JobState, event_of_state: str) -> None:
    owned = select(Job.owner).where(Job.id == job_id).scalar_subquery()
    endpoints = session.scalars(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.owner == owned, WebhookEndpoint.disabled_at.is_(None))
        # An endpoint that is deleted at this moment must not make the transaction of the job's end fail.
        .with_for_update(read=True, key_share=True)
    ).all()
    if not endpoints:
        return
    job = session.get_one(Job, job_id, populate_existing=True)
    events = [event_of_state]
    if job.gate_state not in (None, GateState.PASSED) and state == JobState.SUCCEEDED:
        events.append(WebhookEvent.JOB_GATE_NOT_PASSED)
    at: datetime = getattr(job, f"{state}_at")
    for endpoint in endpoints:
        for event in events:
            if event in endpoint.events:
                _enqueue(session, endpoint.id, event, at, _facts(job, state))


def send_test(session: Session, endpoint: WebhookEndpoint) -> UUID:
    """Write a test message. Raises `TooManyPending`."""
    _require_room(session, endpoint)
    at = session.scalars(select(NOW)).one()
    return _enqueue(session, endpoint.id, TEST, at, {"webhook": str(endpoint.id)})


def deliveries(
    session: Session, owner: str, endpoint_id: UUID, *, before: UUID | None, limit: int
) -> Sequence[WebhookDelivery]:
    """Return a page of the deliveries to one of the owner's endpoints, newest first."""
    query = (
        select(WebhookDelivery)
        .join(WebhookEndpoint)
        .where(WebhookDelivery.endpoint_id == endpoint_id, WebhookEndpoint.owner == owner)
    )
    return session.scalars(page(query, WebhookDelivery.id, before, limit)).all()


def replay(session: Session, endpoint: WebhookEndpoint, delivery_id: UUID) -> WebhookDelivery | None:
    """Send a message again now, with all attempts. Returns None if the endpoint has no such message.

    Raises `TooManyPending`, unless the message is one of these.
    """
    this = WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint.id
    if session.scalar(select(WebhookDelivery.next_attempt_at.is_(None)).where(*this)):
        _require_room(session, endpoint)
    return session.scalar(
        update(WebhookDelivery)
        .where(*this)
        .values(attempts=0, next_attempt_at=NOW, delivered_at=None)
        .returning(WebhookDelivery),
        execution_options={"populate_existing": True},
    )


def take_due(
    session: Session, limit: int, lease_seconds: float, sending: Iterable[DueMessage] = ()
) -> list[DueMessage]:
    """Take messages that are due and count an attempt for each: the oldest of every owner before the next.

    With those that are `sending` already, there are a few of each endpoint and of each owner. If the sender
    dies, its messages are due again after `lease_seconds`: one may be sent twice, none is lost.
    """
    is_due = (WebhookDelivery.next_attempt_at <= SEARCH_NOW) & WebhookEndpoint.disabled_at.is_(None)
    turns = _turns(is_due, [*sending])
    chosen = session.execute(
        select(WebhookDelivery, WebhookEndpoint)
        .join(WebhookEndpoint)
        .join(turns, turns.c.id == WebhookDelivery.id)
        .where(turns.c.turn <= MAX_PER_OWNER, is_due)
        .order_by(turns.c.turn, WebhookDelivery.next_attempt_at)
        .limit(limit)
        .with_for_update(of=WebhookDelivery, skip_locked=True)
    ).all()
    ids = [delivery.id for delivery, _ in chosen]
    lease_expires_at = session.scalars(select(NOW + timedelta(seconds=lease_seconds))).one()
    dues = [
        DueMessage(
            delivery.id,
            endpoint.id,
            endpoint.owner,
            delivery.attempts + 1,
            lease_expires_at,
            endpoint.url,
            endpoint.format,
            endpoint.secret,
            delivery.payload,
        )
        for delivery, endpoint in chosen
    ]
    session.execute(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(ids))
        .values(
            attempts=WebhookDelivery.attempts + 1,
            last_attempt_at=NOW,
            next_attempt_at=lease_expires_at,
        )
        .execution_options(synchronize_session=False)
    )
    return dues


def backlog(session: Session) -> tuple[int, float]:
    """Return how many messages are due, at most `MAX_COUNTED`, and the seconds that the oldest has been."""
    due = (
        select(WebhookDelivery.next_attempt_at)
        .join(WebhookEndpoint)
        .where(WebhookDelivery.next_attempt_at <= SEARCH_NOW, WebhookEndpoint.disabled_at.is_(None))
        .order_by(WebhookDelivery.next_attempt_at)
        .limit(MAX_COUNTED)
        .subquery()
    )
    waited = func.extract("epoch", SEARCH_NOW - func.min(due.c.next_attempt_at))
    count, oldest = session.execute(select(func.count(), waited).select_from(due)).one()
    return count, max(0.0, float(oldest or 0))


def record_delivery(session: Session, due: DueMessage, status: int) -> None:
    """Record a successful delivery."""
    values = {"delivered_at": NOW, "next_attempt_at": None, "last_status": status, "last_error": None}
    if _settle(session, due, values):
        session.execute(
            update(WebhookEndpoint).where(WebhookEndpoint.id == due.endpoint_id).values(failing_since=None)
        )


def record_failure(
    session: Session, due: DueMessage, status: int | None, error: str, *, gone: bool, disable_after: timedelta
) -> str | None:
    """Record a failed attempt and schedule the next one, if there is one.

    Disables the endpoint if it is `gone` or has failed for `disable_after`, and then returns the reason.
    """
    pause = _backoff(due.attempt)
    values = {
        "next_attempt_at": None if pause is None else NOW + timedelta(seconds=pause),
        "last_status": status,
        "last_error": error,
    }
    if not _settle(session, due, values):
        return None
    since = func.coalesce(WebhookEndpoint.failing_since, NOW)
    days = disable_after / timedelta(days=1)
    reason = "it has answered 410 Gone" if gone else f"nothing but failures for {days:g} days"
    give_up = true() if gone else since <= NOW - disable_after
    row = session.execute(
        update(WebhookEndpoint)
        .where(WebhookEndpoint.id == due.endpoint_id, WebhookEndpoint.disabled_at.is_(None))
        .values(
            failing_since=since,
            disabled_at=case((give_up, NOW)),
            disabled_reason=case((give_up, reason)),
        )
        .returning(WebhookEndpoint.disabled_reason)
    ).one_or_none()
    return row.disabled_reason if row else None


def delete_old(session: Session, older_than: timedelta) -> None:
    """Delete deliveries that are older than `older_than`, also if they have been due as long.

    Their ids grow with time.
    """
    before = first_id_at(session.scalars(select(NOW - older_than)).one())
    due_at = WebhookDelivery.next_attempt_at  # of one that was replayed it is younger than its id
    over = due_at.is_(None) | (due_at < NOW - older_than)
    session.execute(delete(WebhookDelivery).where(WebhookDelivery.id < before, over))


def _require_room(session: Session, endpoint: WebhookEndpoint) -> None:
    pending = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.next_attempt_at.is_not(None))
        .limit(MAX_PENDING)
    )
    if len(session.scalars(pending).all()) >= MAX_PENDING:
        raise TooManyPending


def _turns(is_due: ColumnElement[bool], sending: Sequence[DueMessage]) -> Subquery:
    """Return the `id` of each message whose endpoint has a place, and its `turn` among those of its owner."""
    of_endpoint = _place(WebhookEndpoint.id, Counter(due.endpoint_id for due in sending))
    due = (
        select(
            WebhookDelivery.id,
            WebhookEndpoint.owner,
            WebhookDelivery.next_attempt_at,
            of_endpoint.label("place"),
        )
        .join(WebhookEndpoint)
        .where(is_due)
        .subquery()
    )
    of_owner = _place(due.c.owner, Counter(due.owner for due in sending), due.c.next_attempt_at)
    return select(due.c.id, of_owner.label("turn")).where(due.c.place <= _MAX_PER_ENDPOINT).subquery()


def _place(
    of: ColumnElement[Any] | InstrumentedAttribute[Any],
    taken: dict[Any, int],
    at: ColumnElement[Any] | InstrumentedAttribute[Any] = WebhookDelivery.next_attempt_at,
) -> ColumnElement[int]:
    """Number the messages of each `of` by age, behind those that are `taken`."""
    number = func.row_number().over(partition_by=of, order_by=at)
    return number + case(taken, value=of, else_=0) if taken else number


def _enqueue(session: Session, endpoint_id: UUID, event: str, at: datetime, data: dict[str, Any]) -> UUID:
    payload = {"type": event, "timestamp": at.isoformat(), "data": data}
    return session.scalars(
        insert(WebhookDelivery)
        .values(endpoint_id=endpoint_id, event=event, payload=payload)
        .returning(WebhookDelivery.id)
    ).one()


def _facts(job: Job, state: JobState) -> dict[str, Any]:
    """Return the data of a message: what a receiver needs to decide whether to read the job."""
    measured = state == JobState.SUCCEEDED
    return {
        "id": str(job.id),
        "url": f"/v1/jobs/{job.id}",
        "page": f"/jobs/{job.id}",
        "state": state,
        "model": job.model,
        "method": job.method,
        "pattern": job.pattern,
        "sparsity": job.sparsity,
        "labels": job.labels,
        "attempt": job.attempt,
        "perplexity": {"dense": job.dense_perplexity, "pruned": job.pruned_perplexity} if measured else None,
        "gate": job.gate,
        "error": job.error,
    }


def _settle(session: Session, due: DueMessage, values: dict[str, Any]) -> bool:
    """Write the outcome of an attempt, unless the message was replayed or taken again since."""
    settled = session.scalar(
        update(WebhookDelivery)
        .where(WebhookDelivery.id == due.id, WebhookDelivery.next_attempt_at == due.lease_expires_at)
        .values(values)
        .returning(WebhookDelivery.id)
    )
    return settled is not None


def _backoff(attempt: int) -> float | None:
    """Return the seconds until the next attempt, with jitter so that retries spread out."""
    if attempt > len(BACKOFF):
        return None
    return BACKOFF[attempt - 1] * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
