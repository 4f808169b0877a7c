"""Operators cordon and drain workers, and pause queues."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("cordoned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "workers", sa.Column("draining", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "queues",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_queues"),
    )


def downgrade() -> None:
    op.drop_table("queues")
    op.drop_column("workers", "draining")
    op.drop_column("workers", "cordoned_at")
