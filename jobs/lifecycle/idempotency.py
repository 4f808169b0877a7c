"""At most one job per `Idempotency-Key`, even if the request is sent several times at once."""

import hashlib
import secrets
from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.spec.job import JobSpec
from jobs.tables import IdempotencyKey, Job


class KeyReused(Exception):
    """The key was used before with another body."""


def create_once(
    session: Session,
    owner: str,
    key: str,
    body: bytes,
    spec: JobSpec,
    labels: Mapping[str, str] | None = None,
    *,
    max_queued: int | None = None,
) -> tuple[Job, bool]:
    """Return the job of `key`, and whether this call created it. `body` is the request as it was sent.

    Raises `KeyReused`, and what `lifecycle.create` raises.

    The primary key decides a race: the second insert waits for the commit of the first, fails, rolls back its
    own job, and finds the first one.
    """
    digest = hashlib.sha256(body).digest()
    existing = _job_of(session, owner, key, digest)
    if existing is not None:
        return existing, False
    try:
        with session.begin_nested():
            job = lifecycle.create(session, owner, spec, labels, max_queued=max_queued)
            session.add(IdempotencyKey(owner=owner, key=key, body_sha256=digest, job_id=job.id))
    except IntegrityError:
        existing = _job_of(session, owner, key, digest)
        if existing is None:
            raise
        return existing, False
    return job, True


def _job_of(session: Session, owner: str, key: str, digest: bytes) -> Job | None:
    known = session.get(IdempotencyKey, (owner, key))
    if known is None:
        return None
    if not secrets.compare_digest(known.body_sha256, digest):
        raise KeyReused
    return session.get(Job, known.job_id)
