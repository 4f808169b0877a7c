"""Perplexities of dense models that jobs share, by the fingerprint of what they follow from.

Nobody waits for one: jobs that need the same at the same moment each measure it, and find the same number.
"""

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from jobs.tables import NOW, CachedPerplexity


def find(session: Session, fingerprint: str) -> float | None:
    """The perplexity, if a job has measured it. It counts as a use."""
    return session.scalar(
        update(CachedPerplexity)
        .where(CachedPerplexity.fingerprint == fingerprint)
        .values(used_at=NOW)
        .returning(CachedPerplexity.perplexity)
    )


def offer(session: Session, fingerprint: str, perplexity: float) -> None:
    """Keep it for later jobs. The first that was offered stays."""
    session.execute(
        upsert(CachedPerplexity)
        .values(fingerprint=fingerprint, perplexity=perplexity)
        .on_conflict_do_nothing(index_elements=[CachedPerplexity.fingerprint])
    )


def forget(session: Session, days: float, limit: int) -> int:
    """Drop what nobody has used for so many days."""
    unused = (
        select(CachedPerplexity.fingerprint)
        .where(CachedPerplexity.used_at < NOW - timedelta(days=days))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    dropped = delete(CachedPerplexity).where(CachedPerplexity.fingerprint.in_(unused))
    return len(session.scalars(dropped.returning(CachedPerplexity.fingerprint)).all())
