"""Jobs have a priority, owners a share of the workers; what they use is recorded."""

import sqlalchemy as sa
from alembic import op

from migrations.online import create_index

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    priority = sa.Column("priority", sa.Integer(), server_default="0", nullable=False)
    op.add_column("jobs", priority, if_not_exists=True)
    op.add_column("job_attempts", sa.Column("gpus", sa.Integer(), nullable=True), if_not_exists=True)
    op.create_table(
        "owner_shares",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), server_default="1", nullable=False),
        sa.Column("most_running", sa.Integer(), nullable=True),
        sa.Column("may_cross", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("weight > 0", name=op.f("ck_owner_shares_weight")),
        sa.CheckConstraint("most_running >= 0", name=op.f("ck_owner_shares_most_running")),
        sa.PrimaryKeyConstraint("owner", name="pk_owner_shares"),
        if_not_exists=True,
    )
    op.create_table(
        "recent_use",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("owner", "queue", name="pk_recent_use"),
        if_not_exists=True,
    )
    op.create_table(
        "daily_use",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("gpu_seconds", sa.Double(), server_default="0", nullable=False),
        sa.Column("cpu_seconds", sa.Double(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("owner", "day", "queue", name="pk_daily_use"),
        if_not_exists=True,
    )
    op.create_table(
        "queue_turns",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("crossed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("queue", name="pk_queue_turns"),
        if_not_exists=True,
    )
    create_index(
        "ix_jobs_in_line",
        "jobs",
        ["queue", "owner", sa.text("priority DESC"), "id"],
        "state = 'queued' AND dispatched_at IS NULL",
    )
    create_index("ix_jobs_held_of", "jobs", ["owner", "queue"], "state IN ('running', 'cancelling')")


def downgrade() -> None:
    for table in ("queue_turns", "daily_use", "recent_use", "owner_shares"):
        op.drop_table(table)
    for name in ("held_of", "in_line"):
        op.drop_index(f"ix_jobs_{name}", "jobs")
    op.drop_column("job_attempts", "gpus")
    op.drop_column("jobs", "priority")
