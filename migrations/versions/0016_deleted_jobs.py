"""Jobs can be deleted: their ids are kept until their files are deleted too."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deleted_jobs",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column(
            "look_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("is_last", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name="pk_deleted_jobs"),
    )
    op.create_index("ix_deleted_jobs_look_at", "deleted_jobs", ["look_at"])


def downgrade() -> None:
    op.drop_table("deleted_jobs")
