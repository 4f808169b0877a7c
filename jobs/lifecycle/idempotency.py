"""One job per `Idempotency-Key`, however often and however concurrently a request is sent."""

import hashlib
import secrets
from collections.abc import Mapping

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.spec.job import JobSpec
from jobs.tables import IdempotencyKey, Job


class KeyReused(Exception):
    """The key was sent before, with another body."""


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
    """The job that `key` stands for, and whether this call made it. `body` is the request as it was sent.

    Raises `KeyReused`, and `limits.QueueFull` as `lifecycle.create` does.

    The primary key decides a race: the loser's insert waits for the winner's commit, fails, takes its own job
    back, and finds the winner's.
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
