"""Hints that there is something new: PostgreSQL's NOTIFY, sent only where somebody listens.

Commits that notify wait for each other, on the whole server. So a transaction sends its hints together, right
before it commits, and none that nobody would hear. A hint names a subject: a job, for who follows it, an
owner, for who looks at a list of theirs, or what dispatchers wait for. Subjects share channels, so that their
number is bounded.

Who listens on a channel holds a shared advisory lock of its number. A writer tries to take that lock for
itself: if it can, nobody listens, nor begins to before the writer has committed. So who reads the table once
after it has begun to listen misses nothing.
"""

import zlib
from uuid import UUID

from sqlalchemy import event, text
from sqlalchemy.orm import Session

LOCK = 0x70727365
"""The first number of the advisory locks, which tells them from others. The second is the channel's."""

SUBMITTED = "submitted"
"""The subject of what looks at new jobs before they are given to a class of workers."""
DISPATCH = "dispatch"
"""The subject of dispatchers: a job can be published now, or a worker is free."""
WORKERS = "workers"
"""The subject of dispatchers as well: a worker has said what it has, and jobs may wait for that."""

_CHANNELS = 1024
_PENDING = "hints"

_SEND = text(
    """
    SELECT pg_notify(channel, subject)
    FROM unnest(CAST(:numbers AS int[]), CAST(:channels AS text[]), CAST(:subjects AS text[]))
         AS hint (number, channel, subject)
    WHERE NOT pg_try_advisory_xact_lock(:lock, number)
    """
)


def of_job(job_id: UUID) -> str:
    """Return the subject of who follows a job."""
    return f"job {job_id}"


def of_owner(owner: str) -> str:
    """Return the subject of who looks at a list of an owner's jobs."""
    return f"owner {owner}"


def number_of(subject: str) -> int:
    """Return the number of the channel on which a subject is named."""
    return zlib.crc32(subject.encode()) % _CHANNELS


def channel(number: int) -> str:
    """Return the name of a channel."""
    return f"pruneserve_{number}"


def give(session: Session, *subjects: str) -> None:
    """Let whoever listens know of these subjects once the transaction commits."""
    session.info.setdefault(_PENDING, {}).update(dict.fromkeys(subjects))


@event.listens_for(Session, "before_commit")
def _send(session: Session) -> None:
    if session.in_nested_transaction() or not (subjects := session.info.pop(_PENDING, None)):
        return
    numbers = [number_of(subject) for subject in subjects]
    values = {"numbers": numbers, "channels": [*map(channel, numbers)], "subjects": [*subjects]}
    session.connection().execute(_SEND, values | {"lock": LOCK})


@event.listens_for(Session, "after_rollback")
def _forget(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_PENDING, None)
