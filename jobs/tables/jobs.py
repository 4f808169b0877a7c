"""Jobs with their attempts, events, blocks, artifacts and cached results; sweeps."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from jobs.states import JobState, SweepState
from jobs.tables.base import NOW, Base, JobDocuments


def _job_id() -> Mapped[UUID]:
    return mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)


class Job(JobDocuments, Base):
    """One run of a recipe. The row decides; messages, files and workers follow it."""

    __tablename__ = "jobs"

    # uuidv7 grows with time, so the primary key also sorts lists by age.
    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    owner: Mapped[str]
    spec: Mapped[dict[str, Any]]
    name: Mapped[str | None]
    recipe_fingerprint: Mapped[str]
    model: Mapped[str]
    method: Mapped[str]
    pattern: Mapped[str]
    sparsity: Mapped[float]
    labels: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    sweep_id: Mapped[UUID | None] = mapped_column(ForeignKey("sweeps.id", ondelete="SET NULL"))
    # What it needs of a worker: a `jobs.queue.resources.Needs`, empty where that cannot be known. While it is
    # null, the scheduler has not estimated it, and no worker claims the job.
    needs: Mapped[dict[str, Any] | None]
    # The jobs of one owner with equal needs are a group; see `jobs.queue.backlog`.
    queue_group: Mapped[int | None] = mapped_column(
        BigInteger, Computed("hashtextextended(owner, jsonb_hash_extended(needs, 0))", persisted=True)
    )
    # Among its owner's jobs the one with the highest priority runs first.
    priority: Mapped[int] = mapped_column(server_default="0")

    state: Mapped[JobState] = mapped_column(Text, server_default=JobState.QUEUED)
    attempt: Mapped[int] = mapped_column(server_default="0")
    lost_attempts: Mapped[int] = mapped_column(server_default="0")

    worker: Mapped[str | None]
    # The queue of the worker that has claimed it last.
    queue: Mapped[str | None]
    # The token under which a worker holds the job; `Lease` has the time of expiry.
    lease_token: Mapped[UUID | None]

    progressed_at: Mapped[datetime | None]

    report: Mapped[dict[str, Any] | None]
    pruned_perplexity: Mapped[float | None]
    # The share of zeros in the pruned layers, as the report has it.
    measured_sparsity: Mapped[float | None]
    error: Mapped[dict[str, Any] | None]
    last_event: Mapped[int] = mapped_column(server_default="0")

    # Since when the store may hold files of this job that no row names.
    orphaned_files_since: Mapped[datetime | None]
    artifacts_expired_at: Mapped[datetime | None]

    queued_at: Mapped[datetime] = mapped_column(server_default=NOW)
    running_at: Mapped[datetime | None]
    cancelling_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    retried_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    # When what does not answer is tried again; see `outage`. No worker claims the job before that.
    next_try_at: Mapped[datetime | None]

    # The place in a trace of the request that has submitted it, as W3C's Trace Context writes it.
    traceparent: Mapped[str | None]

    # The job that computes what this queued job needs too. No worker claims it while that one does.
    blocked_on: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))

    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')", name="state"
        ),
        CheckConstraint(
            "(state IN ('running', 'cancelling')) = (lease_token IS NOT NULL)", name="lease_while_held"
        ),
        Index("ix_jobs_owner_id", "owner", "id"),
        Index("ix_jobs_owner_state_id", "owner", "state", "id"),
        Index("ix_jobs_owner_method_id", "owner", "method", "id"),
        Index("ix_jobs_owner_model_id", "owner", "model", "id"),
        Index(
            "ix_jobs_owner_gate",
            "owner",
            text("(gate ->> 'state')"),
            "id",
            postgresql_where=text("gate IS NOT NULL"),
        ),
        Index("ix_jobs_sweep_id_id", "sweep_id", "id", postgresql_where=text("sweep_id IS NOT NULL")),
        # In the order in which an owner's jobs run.
        Index(
            "ix_jobs_in_line",
            "queue_group",
            text("priority DESC"),
            "id",
            postgresql_where=text("state = 'queued' AND needs IS NOT NULL"),
        ),
        Index("ix_jobs_interrupted", "id", postgresql_where=text("state = 'queued' AND attempt > 0")),
        Index("ix_jobs_unsized", "id", postgresql_where=text("state = 'queued' AND needs IS NULL")),
        Index(
            "ix_jobs_open_of_sweep",
            "sweep_id",
            postgresql_where=text("sweep_id IS NOT NULL AND state IN ('queued', 'running', 'cancelling')"),
        ),
        Index("ix_jobs_held_by", "worker", postgresql_where=text("state IN ('running', 'cancelling')")),
        Index(
            "ix_jobs_orphaned_files_since",
            "orphaned_files_since",
            postgresql_where=text("orphaned_files_since IS NOT NULL"),
        ),
        Index(
            "ix_jobs_unexpired",
            "ended_at",
            postgresql_where=text("state = 'succeeded' AND artifacts_expired_at IS NULL"),
        ),
        Index("ix_jobs_blocked_on", "blocked_on", postgresql_where=text("blocked_on IS NOT NULL")),
    )


class Lease(Base):
    """Until when a worker holds a job: a row while it does.

    The row is narrow, its pages have free space, and `expires_at` has no index: so a heartbeat updates it in
    place. A scheduler that looks for expired ones reads all, one for each worker that is busy.
    """

    __tablename__ = "leases"

    job_id: Mapped[UUID] = _job_id()
    token: Mapped[UUID]
    expires_at: Mapped[datetime]

    __table_args__ = {"postgresql_with": {"fillfactor": 50}}  # noqa: RUF012 - SQLAlchemy reads it


class DeletedJob(Base):
    """A job whose row was deleted, and whose files may still be in the store.

    They are deleted at `delete_at`, and a second time later (`is_last`): an attempt that has lost its job may
    have been writing one.
    """

    __tablename__ = "deleted_jobs"

    job_id: Mapped[UUID] = mapped_column(primary_key=True)
    delete_at: Mapped[datetime] = mapped_column(server_default=NOW)
    is_last: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (Index("ix_deleted_jobs_delete_at", "delete_at"),)


class JobLabel(Base):
    """A copy of one label of a job, indexed so that a list by label is read in the order of the list."""

    __tablename__ = "job_labels"

    job_id: Mapped[UUID] = _job_id()
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    owner: Mapped[str]

    __table_args__ = (Index("ix_job_labels_owner_name_value_job_id", "owner", "name", "value", "job_id"),)


class JobAttempt(Base):
    """One attempt of a job, from its claim by a worker to its end."""

    __tablename__ = "job_attempts"

    job_id: Mapped[UUID] = _job_id()
    attempt: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str]
    # How many GPUs the worker computes with, 0 for a CPU; null if it was not measured.
    gpus: Mapped[int | None]
    started_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]


class JobEvent(Base):
    """An event of a job; see `jobs.lifecycle.events`. Ids count from 1, under the row lock of the job."""

    __tablename__ = "job_events"

    job_id: Mapped[UUID] = _job_id()
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (Index("ix_job_events_progress_at", "at", postgresql_where=text("kind = 'progress'")),)


class JobBlock(Base):
    """A finished block whose shard is durable in the store. See `jobs.lifecycle.attempt_files`."""

    __tablename__ = "job_blocks"

    job_id: Mapped[UUID] = _job_id()
    stage: Mapped[str] = mapped_column(primary_key=True)
    block: Mapped[int] = mapped_column(primary_key=True)
    attempt: Mapped[int]
    key: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    numerics_key: Mapped[dict[str, Any]]
    finished_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (Index("ix_job_blocks_finished_at", "finished_at"),)


class SentFile(Base):
    """A file of a job's output that is in the store. See `jobs.lifecycle.attempt_files`."""

    __tablename__ = "sent_files"

    job_id: Mapped[UUID] = _job_id()
    name: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int]
    key: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    stored_size: Mapped[int | None] = mapped_column(BigInteger)
    sent_at: Mapped[datetime] = mapped_column(server_default=NOW)


class Artifact(Base):
    """A file of a succeeded job. Files in the store that no row names are orphaned, and deleted."""

    __tablename__ = "artifacts"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    job_id: Mapped[UUID] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    name: Mapped[str]
    key: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str]
    # Bytes in the store, if the file is kept compressed, see `jobs.storage.streams`.
    stored_size: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (UniqueConstraint("job_id", "name"),)


class IdempotencyKey(Base):
    """An `Idempotency-Key` of an owner: the hash of the body that was sent, and the job or sweep it made.

    Once that job is deleted it names neither.
    """

    __tablename__ = "idempotency_keys"

    owner: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_sha256: Mapped[bytes]
    job_id: Mapped[UUID | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"))
    sweep_id: Mapped[UUID | None] = mapped_column(ForeignKey("sweeps.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)

    __table_args__ = (
        Index("ix_idempotency_keys_job_id", "job_id"),
        Index("ix_idempotency_keys_sweep_id", "sweep_id", postgresql_where=text("sweep_id IS NOT NULL")),
        Index("ix_idempotency_keys_created_at", "created_at"),
    )


class Sweep(Base):
    """Jobs that were submitted together, or a search that submits one job after the other."""

    __tablename__ = "sweeps"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default=func.uuidv7())
    owner: Mapped[str]
    request: Mapped[dict[str, Any]]
    state: Mapped[SweepState] = mapped_column(Text, server_default=SweepState.RUNNING)
    search: Mapped[dict[str, Any] | None]  # progress of a search: a `jobs.sweeps.bisection.Search`
    error: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=NOW)
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("state IN ('running', 'succeeded', 'failed', 'cancelled')", name="state"),
        Index("ix_sweeps_owner_id", "owner", "id"),
        Index("ix_sweeps_running", "id", postgresql_where=text("state = 'running'")),
    )


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
    losses: Mapped[list[float]]  # mean of each window, in nats
    used_at: Mapped[datetime] = mapped_column(server_default=NOW)
    job_id: Mapped[UUID | None]
    key: Mapped[str | None]
    size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None]

    __table_args__ = (
        Index("ix_perplexity_cache_used_at", "used_at"),
        Index("ix_perplexity_cache_job_id", "job_id"),
    )
