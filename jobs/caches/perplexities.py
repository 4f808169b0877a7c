"""The cache of dense models' measurements that jobs share, keyed by the fingerprint of their inputs.

A measurement is a perplexity, and the file of the final states that pruned models are compared by. The file
is a finished block of the job that measured them, where that job has stored it. No job waits for another
here: jobs that need the same measurement at once each make it, with the same result.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.tables import NOW, SEARCH_NOW, CachedPerplexity, Job, JobBlock


def find(session: Session, fingerprint: str) -> CachedPerplexity | None:
    """Return the measurement if a job has made it. This counts as a use."""
    return session.scalar(
        update(CachedPerplexity)
        .where(CachedPerplexity.fingerprint == fingerprint)
        .values(used_at=NOW)
        .returning(CachedPerplexity)
    )


def offer(
    session: Session,
    claim: Claim,
    fingerprint: str,
    perplexity: float,
    states: str | None,
    *,
    most_bytes: int,
) -> None:
    """Keep a measurement for later jobs. If there is one already, it stays.

    `states`: the SHA-256 of the final states, which the job has stored as a finished block. Larger than
    `most_bytes`, nothing is kept, and nothing if the caller does not hold its job any more.
    """
    if session.scalar(select(Job.id).where(*lifecycle.running_under(claim)).with_for_update()) is None:
        return
    file = {}
    if states is not None:
        block = session.scalars(
            select(JobBlock).where(JobBlock.job_id == claim.job_id, JobBlock.sha256 == states).limit(1)
        ).one_or_none()
        if block is None or block.size > most_bytes:
            return
        file = {"job_id": claim.job_id, "key": block.key, "size": block.size, "sha256": states}
    session.execute(
        upsert(CachedPerplexity)
        .values(fingerprint=fingerprint, perplexity=perplexity, **file)
        .on_conflict_do_nothing(index_elements=[CachedPerplexity.fingerprint])
    )


def discard(session: Session, fingerprint: str) -> None:
    """Drop a measurement whose file is damaged, so that the next job that asks makes it again."""
    _drop(session, [fingerprint])


def last_use(session: Session) -> datetime | None:
    """Return when one was last kept or used: as long as it stays, their total does not grow."""
    return session.scalar(select(func.max(CachedPerplexity.used_at)))


def evict_unused(session: Session, days: float, limit: int) -> int:
    """Drop what was unused for `days`."""
    return _evict(session, CachedPerplexity.used_at < SEARCH_NOW - timedelta(days=days), limit)


def evict_beyond(session: Session, most_bytes: int, limit: int) -> int:
    """Drop the least recently used while all files exceed `most_bytes`. Reads all of them."""
    with_newer = select(
        CachedPerplexity.fingerprint,
        func.sum(CachedPerplexity.size).over(order_by=CachedPerplexity.used_at.desc()).label("size"),
    ).where(CachedPerplexity.size.is_not(None))
    ranked = with_newer.subquery()
    too_much = select(ranked.c.fingerprint).where(ranked.c.size > most_bytes)
    return _evict(session, CachedPerplexity.fingerprint.in_(too_much), limit)


def _evict(session: Session, old_enough: ColumnElement[bool], limit: int) -> int:
    old = session.scalars(
        select(CachedPerplexity.fingerprint).where(old_enough).limit(limit).with_for_update(skip_locked=True)
    ).all()
    _drop(session, old)
    return len(old)


def _drop(session: Session, fingerprints: Sequence[str]) -> None:
    jobs = session.scalars(
        delete(CachedPerplexity)
        .where(CachedPerplexity.fingerprint.in_(fingerprints))
        .returning(CachedPerplexity.job_id)
    ).all()
    session.execute(
        update(Job).where(Job.id.in_([job for job in jobs if job])).values(orphaned_files_since=NOW)
    )
