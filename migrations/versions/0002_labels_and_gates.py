"""Labels of jobs, and how jobs met their gates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("labels", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("jobs", sa.Column("gate", postgresql.JSONB()))
    op.add_column("jobs", sa.Column("gate_state", sa.Text(), sa.Computed("gate ->> 'state'", persisted=True)))
    op.create_index(
        "ix_jobs_owner_gate",
        "jobs",
        ["owner", "gate_state", "id"],
        postgresql_where=sa.text("gate_state IS NOT NULL"),
    )
    op.create_table(
        "job_labels",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "name", name="pk_job_labels"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_job_labels_job_id", ondelete="CASCADE"),
    )
    op.create_index(
        "ix_job_labels_owner_name_value_job_id", "job_labels", ["owner", "name", "value", "job_id"]
    )


def downgrade() -> None:
    op.drop_table("job_labels")
    op.drop_index("ix_jobs_owner_gate", "jobs")
    for column in ("gate_state", "gate", "labels"):
        op.drop_column("jobs", column)
