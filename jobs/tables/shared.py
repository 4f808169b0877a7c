"""Caches that jobs share."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from jobs.tables.base import NOW, Base


class CachedGradients(Base):
    """Gradient norms for every job with the same fingerprint. Before `ready_at`, `job_id` computes them."""

    __tablename__ = "gradient_cache"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ready_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_gradient_cache_job_id", "job_id"),
        Index("ix_gradient_cache_used_at", "used_at"),
    )


class GradientShard(Base):
    """The gradient norms of one block. The file stays where the job that computed it has stored it."""

    __tablename__ = "gradient_shards"

    fingerprint: Mapped[str] = mapped_column(
        ForeignKey("gradient_cache.fingerprint", ondelete="CASCADE"), primary_key=True
    )
    block: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]


class CachedPerplexity(Base):
    """A dense model on one text, for every job with the same fingerprint.

    Its final states are a file, which stays where the job that measured them has stored it. A model that
    cannot be compared by them has none.
    """

    __tablename__ = "perplexity_cache"

    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    perplexity: Mapped[float]
    used_at: Mapped[datetime] = mapped_column(server_default=NOW)
    job_id: Mapped[UUID | None]
    key: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]

    __table_args__ = (
        Index("ix_perplexity_cache_used_at", "used_at"),
        Index("ix_perplexity_cache_job_id", "job_id"),
    )
