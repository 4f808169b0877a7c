"""The first tables: jobs and what belongs to them, keys, sessions, workers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        _id(),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        _now("created_at"),
        _time("last_used_at"),
        _time("revoked_at"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("prefix", name="uq_api_keys_prefix"),
    )
    op.create_table(
        "page_sessions",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("one_time", sa.Boolean(), nullable=False),
        _now("created_at"),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name="pk_page_sessions"),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name="fk_page_sessions_api_key_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "jobs",
        _id(),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("spec", postgresql.JSONB(), nullable=False),
        sa.Column("recipe_fingerprint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("sparsity", sa.Double(), nullable=False),
        sa.Column("queue", sa.Text(), server_default="prune", nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        _time("dispatched_at"),
        sa.Column("worker", sa.Text()),
        sa.Column("lease_token", sa.Uuid()),
        _time("lease_expires_at"),
        sa.Column("stage", sa.Text()),
        sa.Column("step", sa.Integer()),
        sa.Column("steps", sa.Integer()),
        sa.Column("seconds_left", sa.Double()),
        sa.Column("report", postgresql.JSONB()),
        sa.Column("dense_perplexity", sa.Double()),
        sa.Column("pruned_perplexity", sa.Double()),
        sa.Column("error", postgresql.JSONB()),
        sa.Column("last_event", sa.Integer(), server_default="0", nullable=False),
        _now("queued_at"),
        _time("running_at"),
        _time("cancelling_at"),
        _time("succeeded_at"),
        _time("failed_at"),
        _time("cancelled_at"),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.CheckConstraint(
            "(state IN ('running', 'cancelling')) = (lease_token IS NOT NULL)",
            name=op.f("ck_jobs_lease_while_held"),
        ),
    )
    op.create_index("ix_jobs_owner_id", "jobs", ["owner", "id"])
    op.create_index("ix_jobs_owner_state_id", "jobs", ["owner", "state", "id"])
    op.create_index("ix_jobs_owner_method_id", "jobs", ["owner", "method", "id"])
    op.create_index("ix_jobs_owner_model_id", "jobs", ["owner", "model", "id"])
    op.create_index("ix_jobs_queued", "jobs", ["queue", "id"], postgresql_where=sa.text("state = 'queued'"))
    op.create_index(
        "ix_jobs_leases",
        "jobs",
        ["lease_expires_at"],
        postgresql_where=sa.text("state IN ('running', 'cancelling')"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("owner", "key", name="pk_idempotency_keys"),
        _of_a_job("idempotency_keys"),
    )
    op.create_table(
        "job_attempts",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        _now("started_at"),
        _time("ended_at"),
        sa.Column("outcome", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.PrimaryKeyConstraint("job_id", "attempt", name="pk_job_attempts"),
        _of_a_job("job_attempts"),
    )
    op.create_table(
        "job_events",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        _now("at"),
        sa.PrimaryKeyConstraint("job_id", "id", name="pk_job_events"),
        _of_a_job("job_events"),
    )
    op.create_table(
        "job_blocks",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        _now("finished_at"),
        sa.PrimaryKeyConstraint("job_id", "stage", "block", name="pk_job_blocks"),
        _of_a_job("job_blocks"),
    )
    op.create_table(
        "artifacts",
        _id(),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
        sa.UniqueConstraint("job_id", "name", name="uq_artifacts_job_id_name"),
        _of_a_job("artifacts"),
    )
    op.create_table(
        "workers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        _now("started_at"),
        _now("seen_at"),
        sa.PrimaryKeyConstraint("name", name="pk_workers"),
    )


def downgrade() -> None:
    for table in (
        "workers",
        "artifacts",
        "job_blocks",
        "job_events",
        "job_attempts",
        "idempotency_keys",
        "jobs",
        "page_sessions",
        "api_keys",
    ):
        op.drop_table(table)


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
    )


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True))


def _of_a_job(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=f"fk_{table}_job_id", ondelete="CASCADE")
