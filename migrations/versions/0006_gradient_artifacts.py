"""Gradient norms that jobs share, jobs that wait for them, and what workers compute on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("machine", postgresql.JSONB()))
    op.add_column("jobs", sa.Column("blocked_on", sa.Uuid()))
    op.create_foreign_key("fk_jobs_blocked_on", "jobs", "jobs", ["blocked_on"], ["id"], ondelete="SET NULL")
    op.create_index(
        "ix_jobs_blocked_on", "jobs", ["blocked_on"], postgresql_where=sa.text("blocked_on IS NOT NULL")
    )
    op.create_table(
        "gradient_artifacts",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("ready_at", sa.DateTime(timezone=True)),
        sa.Column("used_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_gradient_artifacts"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_gradient_artifacts_job_id", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_gradient_artifacts_job_id", "gradient_artifacts", ["job_id"])
    op.create_table(
        "gradient_shards",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", "block", name="pk_gradient_shards"),
        sa.ForeignKeyConstraint(
            ["fingerprint"],
            ["gradient_artifacts.fingerprint"],
            name="fk_gradient_shards_fingerprint",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    op.drop_table("gradient_shards")
    op.drop_table("gradient_artifacts")
    op.drop_column("jobs", "blocked_on")
    op.drop_column("workers", "machine")
