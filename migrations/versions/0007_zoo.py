"""The zoo: pruned models that somebody has put on show."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "zoo_entries",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("promoted_by", sa.Text(), nullable=False),
        sa.Column(
            "promoted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_zoo_entries"),
        sa.UniqueConstraint("slug", name="uq_zoo_entries_slug"),
        sa.UniqueConstraint("job_id", name="uq_zoo_entries_job_id"),
        # No cascade: a model on show is withdrawn before its job can go.
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_zoo_entries_job_id"),
    )


def downgrade() -> None:
    op.drop_table("zoo_entries")
