"""Sweeps: jobs that were asked for together, and the search for the sparsest model within a bound."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("request", postgresql.JSONB(), nullable=False),
        sa.Column("state", sa.Text(), server_default="running", nullable=False),
        sa.Column("search", postgresql.JSONB(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sweeps"),
        sa.CheckConstraint("state IN ('running', 'succeeded', 'failed', 'cancelled')", name="state"),
    )
    op.create_index("ix_sweeps_owner_id", "sweeps", ["owner", "id"])
    op.create_index("ix_sweeps_running", "sweeps", ["id"], postgresql_where=sa.text("state = 'running'"))
    op.add_column("jobs", sa.Column("sweep_id", sa.Uuid(), nullable=True))
    op.create_foreign_key("fk_jobs_sweep_id", "jobs", "sweeps", ["sweep_id"], ["id"], ondelete="SET NULL")
    op.create_index(
        "ix_jobs_sweep_id_id", "jobs", ["sweep_id", "id"], postgresql_where=sa.text("sweep_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_sweep_id_id", table_name="jobs")
    op.drop_constraint("fk_jobs_sweep_id", "jobs")
    op.drop_column("jobs", "sweep_id")
    op.drop_table("sweeps")
