"""What an owner's jobs and uploads take in the store."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from jobs.tables import Artifact, CachedGradients, CachedPerplexity, GradientShard, Job, JobBlock, Upload


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes in the store, by what they are. Files that no row names any more do not count."""

    artifacts: int
    finished_blocks: int
    caches: int
    uploads: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.artifacts + self.finished_blocks + self.caches + self.uploads


def stored_by(session: Session, owner: str) -> Stored:
    """Return what is stored of an owner. What is in a cache belongs to the owner whose job has made it."""
    owned = Job.owner == owner
    norms = (
        select(func.sum(GradientShard.size))
        .join(CachedGradients, CachedGradients.fingerprint == GradientShard.fingerprint)
        .join(Job, Job.id == CachedGradients.job_id)
        .where(owned, CachedGradients.ready_at.is_not(None))
    )
    files = select(func.sum(func.coalesce(Artifact.stored_size, Artifact.size))).join(Job).where(owned)
    states = select(func.sum(CachedPerplexity.size)).join(Job, Job.id == CachedPerplexity.job_id).where(owned)
    return Stored(
        artifacts=_sum(session, files),
        finished_blocks=_sum(session, select(func.sum(JobBlock.size)).join(Job).where(owned)),
        caches=_sum(session, norms) + _sum(session, states),
        uploads=_sum(session, select(func.sum(Upload.size)).where(Upload.owner == owner)),
    )


def _sum(session: Session, query: Select[Any]) -> int:
    return int(session.scalar(query) or 0)
