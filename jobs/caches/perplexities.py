"""The cache of dense models' perplexities that jobs share, keyed by the fingerprint of their inputs.

No job waits for another here: jobs that need the same perplexity at once each measure it, with the same
result.
"""

from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from jobs.tables import NOW, CachedPerplexity


def find(session: Session, fingerprint: str) -> float | None:
    """Return the perplexity if a job has measured it. This counts as a use."""
    return session.scalar(
        update(CachedPerplexity)
        .where(CachedPerplexity.fingerprint == fingerprint)
        .values(used_at=NOW)
        .returning(CachedPerplexity.perplexity)
    )


def offer(session: Session, fingerprint: str, perplexity: float) -> None:
    """Keep a perplexity for later jobs. If there is one already, it stays."""
    session.execute(
        upsert(CachedPerplexity)
        .values(fingerprint=fingerprint, perplexity=perplexity)
        .on_conflict_do_nothing(index_elements=[CachedPerplexity.fingerprint])
    )


def forget(session: Session, days: float, limit: int) -> int:
    """Drop perplexities that were unused for `days`."""
    unused = (
        select(CachedPerplexity.fingerprint)
        .where(CachedPerplexity.used_at < NOW - timedelta(days=days))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    dropped = delete(CachedPerplexity).where(CachedPerplexity.fingerprint.in_(unused))
    return len(session.scalars(dropped.returning(CachedPerplexity.fingerprint)).all())
