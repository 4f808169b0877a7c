"""The uploads in parts that a deleted job leaves, which not every store finds without their names."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deleted_jobs",
        sa.Column("uploads", postgresql.JSONB(), server_default="[]", nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_column("deleted_jobs", "uploads")
