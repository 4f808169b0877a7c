"""Workers say which queues they read and what they have; jobs what they need, and if they fit a class."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.online import create_index

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    jobs = (
        sa.Column("needs", postgresql.JSONB(), nullable=True),
        sa.Column("placement", sa.Text(), server_default="unsized", nullable=False),
        sa.Column("unschedulable_since", sa.DateTime(timezone=True), nullable=True),
    )
    for column in jobs:
        op.add_column("jobs", column, if_not_exists=True)
    op.add_column(
        "workers", sa.Column("queues", postgresql.ARRAY(sa.Text()), nullable=True), if_not_exists=True
    )
    op.add_column("workers", sa.Column("capacity", postgresql.JSONB(), nullable=True), if_not_exists=True)
    create_index(
        "ix_jobs_unplaced", "jobs", ["placement", "id"], "state = 'queued' AND placement <> 'placed'"
    )


def downgrade() -> None:
    # The release before reads no other queue, and publishes what is not published.
    op.execute(
        "UPDATE jobs SET queue = 'prune', dispatched_at = NULL WHERE state = 'queued' AND queue <> 'prune'"
    )
    op.drop_index("ix_jobs_unplaced", "jobs")
    for column in ("unschedulable_since", "placement", "needs"):
        op.drop_column("jobs", column)
    op.drop_column("workers", "capacity")
    op.drop_column("workers", "queues")
