"""A job's row says that it waits for something outside, since when, and when it is tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("waiting_for", sa.Text(), nullable=True))
    op.add_column("jobs", sa.Column("unreachable_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("unreachable_tries", sa.Integer(), server_default="0", nullable=False))
    op.add_column("jobs", sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "next_try_at")
    op.drop_column("jobs", "unreachable_tries")
    op.drop_column("jobs", "unreachable_since")
    op.drop_column("jobs", "waiting_for")
