"""At most one job or sweep per `Idempotency-Key`, even if the request is sent several times at once."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.tables import IdempotencyKey, Job, Sweep

Created = TypeVar("Created", Job, Sweep)


class KeyReused(Exception):
    """The key was used before with another body, or, as the message says, for a job that was deleted."""


def create_once(
    session: Session, owner: str, key: str, body: bytes, kind: type[Created], make: Callable[[], Created]
) -> tuple[Created, bool]:
    """Return what `key` has made, and whether this call made it. Raises `KeyReused`, and what `make` raises.

    The primary key decides a race: the second insert waits for the commit of the first, fails, rolls back
    what it has made, and finds the first one.
    """
    existing = created_before(session, owner, key, body, kind)
    if existing is not None:
        return existing, False
    try:
        with session.begin_nested():
            made = make()
            column = "job_id" if kind is Job else "sweep_id"
            digest = hashlib.sha256(body).digest()
            session.add(IdempotencyKey(owner=owner, key=key, body_sha256=digest, **{column: made.id}))
    except IntegrityError:
        existing = created_before(session, owner, key, body, kind)
        if existing is None:
            raise
        return existing, False
    return made, True


def created_before(
    session: Session, owner: str, key: str, body: bytes, kind: type[Created]
) -> Created | None:
    """Return what an earlier request with this key has made.

    Raises `KeyReused`, also for another kind, and for a job that was deleted: a request that is repeated late
    must not make it again.
    """
    known = session.get(IdempotencyKey, (owner, key))
    if known is None:
        return None
    made = known.job_id if kind is Job else known.sweep_id
    if known.job_id is None and known.sweep_id is None:
        raise KeyReused("The job of this Idempotency-Key was deleted. Use a new key for a new job.")
    if made is None or known.body_sha256 != hashlib.sha256(body).digest():
        raise KeyReused
    return session.get(kind, made)
