"""Lanes of gradients that several workers compute."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.online import create_index

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gradient_lanes",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("lane", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("numerics_key", postgresql.JSONB(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("token", sa.Uuid(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("folded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_gradient_lanes_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "lane", name="pk_gradient_lanes"),
        postgresql_with={"fillfactor": 50},
        if_not_exists=True,
    )
    create_index("ix_gradient_lanes_open", "gradient_lanes", ["job_id", "lane"], "finished_at IS NULL")
    create_index("ix_gradient_lanes_held_by", "gradient_lanes", ["worker"], "worker IS NOT NULL")


def downgrade() -> None:
    op.drop_table("gradient_lanes")
