"""Workers say which queues they read and what they have; jobs what they need, and if they fit a class."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("queues", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("workers", sa.Column("capacity", postgresql.JSONB(), nullable=True))
    op.add_column("jobs", sa.Column("needs", postgresql.JSONB(), nullable=True))
    op.add_column("jobs", sa.Column("placement", sa.Text(), server_default="unsized", nullable=False))
    op.add_column("jobs", sa.Column("unschedulable_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_jobs_unplaced",
        "jobs",
        ["placement", "id"],
        postgresql_where=sa.text("state = 'queued' AND placement <> 'placed'"),
    )


def downgrade() -> None:
    op.drop_index("ix_jobs_unplaced", "jobs")
    for column in ("unschedulable_since", "placement", "needs"):
        op.drop_column("jobs", column)
    op.drop_column("workers", "capacity")
    op.drop_column("workers", "queues")
