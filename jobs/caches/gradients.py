"""The cache of gradient norms that jobs share, keyed by the fingerprint of their inputs.

The first job that asks for a fingerprint computes the norms, until it has published them or ended; other jobs
that ask in the meantime wait. Published norms are the shards of that job, where it has stored them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from jobs.lifecycle import finished_blocks, lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.tables import NOW, CachedGradients, GradientShard, Job, JobBlock


@dataclass(frozen=True, slots=True)
class Computing:
    """The caller's job computes the norms."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another job is computing the norms."""

    job_id: UUID


Answer = Sequence[GradientShard] | Computing | Waiting


def ask(session: Session, claim: Claim, fingerprint: str) -> Answer:
    """Return the cached shards in order of blocks, or who computes them: the caller, if nobody else does."""
    session.execute(
        upsert(CachedGradients)
        .values(fingerprint=fingerprint, job_id=claim.job_id)
        .on_conflict_do_nothing(index_elements=[CachedGradients.fingerprint])
    )
    # Locked: the norms cannot be published while this transaction decides.
    entry = session.scalars(
        select(CachedGradients).where(CachedGradients.fingerprint == fingerprint).with_for_update()
    ).one()
    if entry.ready_at is not None:
        session.execute(
            update(CachedGradients).where(CachedGradients.fingerprint == fingerprint).values(used_at=NOW)
        )
        return session.scalars(
            select(GradientShard)
            .where(GradientShard.fingerprint == fingerprint)
            .order_by(GradientShard.block)
        ).all()
    if entry.job_id != claim.job_id:
        if finished_blocks.has_not_ended(session, entry.job_id):
            return Waiting(entry.job_id)
        entry.job_id = claim.job_id
    return Computing()


def still_computing(session: Session, fingerprint: str, job_id: UUID) -> UUID | None:
    """Return the job if it is still computing the norms, or None.

    A job that begins to wait asks again in the transaction that records it, so that the norms cannot be
    published in between.
    """
    return session.scalar(
        select(CachedGradients.job_id)
        .where(
            CachedGradients.fingerprint == fingerprint,
            CachedGradients.job_id == job_id,
            CachedGradients.ready_at.is_(None),
        )
        .with_for_update()
    )


def publish(
    session: Session, claim: Claim, fingerprint: str, stage: str, numerics_key: Mapping[str, Any]
) -> bool:
    """Publish the job's finished blocks of the stage as the cached norms, and unblock the jobs that wait.

    Returns False if the caller does not hold its job any more, or was not the one to compute the norms.
    """
    if session.scalar(select(Job.id).where(*lifecycle.running_under(claim)).with_for_update()) is None:
        return False
    published = session.scalar(
        update(CachedGradients)
        .where(
            CachedGradients.fingerprint == fingerprint,
            CachedGradients.job_id == claim.job_id,
            CachedGradients.ready_at.is_(None),
        )
        .values(ready_at=NOW, used_at=NOW)
        .returning(CachedGradients.fingerprint)
    )
    if published is None:
        return False
    shards = select(literal(fingerprint), JobBlock.block, JobBlock.key, JobBlock.size, JobBlock.sha256).where(
        JobBlock.job_id == claim.job_id,
        JobBlock.stage == stage,
        JobBlock.numerics_key == dict(numerics_key),
    )
    columns = ["fingerprint", "block", "key", "size", "sha256"]
    session.execute(insert(GradientShard).from_select(columns, shards))
    session.execute(update(Job).where(Job.blocked_on == claim.job_id).values(blocked_on=None))
    return True


def discard(session: Session, fingerprint: str) -> None:
    """Drop damaged norms, so that the next job that asks computes them again."""
    _drop(session, [fingerprint])


def evict(session: Session, days: float, most_bytes: int, limit: int) -> int:
    """Drop norms unused for `days`, and the least recently used while their total exceeds `most_bytes`."""
    size = (
        select(GradientShard.fingerprint, func.sum(GradientShard.size).label("size"))
        .group_by(GradientShard.fingerprint)
        .subquery()
    )
    kept = select(
        CachedGradients.fingerprint,
        func.sum(size.c.size).over(order_by=CachedGradients.used_at.desc()).label("with_newer"),
    ).join(size, size.c.fingerprint == CachedGradients.fingerprint)
    ranked = kept.where(CachedGradients.ready_at.is_not(None)).subquery()
    too_much = select(ranked.c.fingerprint).where(ranked.c.with_newer > most_bytes)
    old = session.scalars(
        select(CachedGradients.fingerprint)
        .where(
            CachedGradients.ready_at.is_not(None),
            or_(
                CachedGradients.used_at < NOW - timedelta(days=days),
                CachedGradients.fingerprint.in_(too_much),
            ),
        )
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    _drop(session, old)
    return len(old)


def _drop(session: Session, fingerprints: Sequence[str]) -> None:
    jobs = session.scalars(
        delete(CachedGradients)
        .where(CachedGradients.fingerprint.in_(fingerprints))
        .returning(CachedGradients.job_id)
    ).all()
    session.execute(update(Job).where(Job.id.in_(jobs)).values(orphaned_files_since=NOW))
