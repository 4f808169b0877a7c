"""PostgreSQL's NOTIFY, sent by the transaction that causes it, on two channels: for the queue and for events.

A notification only says that there is something to read. One that is lost costs a delay: the scheduler and
the streams of the API read at intervals as well.
"""

from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import Session

QUEUE = "pruneserve_queue"
"""The channel of schedulers: a job is new, may be claimed or has ended, or a worker is there or idle."""
EVENTS = "pruneserve_events"
"""The channel of streams. The payload is `of_job` or `of_owner`."""

_PENDING = "notifications"
_SEND = text(
    "SELECT pg_notify(channel, payload) "
    "FROM unnest(CAST(:channels AS text[]), CAST(:payloads AS text[])) AS sent (channel, payload)"
)


def of_job(job_id: UUID) -> str:
    """Return the payload that streams of a job wait for."""
    return f"job {job_id}"


def of_owner(owner: str) -> str:
    """Return the payload that lists of an owner's jobs wait for."""
    return f"owner {owner}"


def notify_on_commit(session: Session, channel: str, *payloads: str) -> None:
    """Notify a channel once the transaction commits: of each payload, or of an empty one."""
    pending = session.info.setdefault(_PENDING, {})
    pending.update(dict.fromkeys((channel, payload) for payload in payloads or ("",)))


@event.listens_for(Session, "before_commit")
def _send(session: Session) -> None:
    # Together and last: commits that notify wait for each other, on the whole server.
    if session.in_nested_transaction() or not (pending := session.info.pop(_PENDING, None)):
        return
    channels, payloads = zip(*pending, strict=True)
    session.connection().execute(_SEND, {"channels": [*channels], "payloads": [*payloads]})


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_PENDING, None)
