"""The files of jobs that people have deleted go before those of jobs that were kept long enough."""

import sqlalchemy as sa
from alembic import op

from migrations.online import create_index

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deleted_jobs",
        sa.Column("by_retention", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        if_not_exists=True,
    )
    create_index("ix_deleted_jobs_asked_for", "deleted_jobs", ["look_at"], "NOT by_retention")


def downgrade() -> None:
    op.drop_index("ix_deleted_jobs_asked_for", table_name="deleted_jobs")
    op.drop_column("deleted_jobs", "by_retention")
