"""The database sorts lists of jobs: their columns have indexes, and the time on workers is a column."""

import sqlalchemy as sa
from alembic import op

from migrations.online import create_index

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("worker_seconds", sa.Double(), nullable=True), if_not_exists=True)
    sparsity = sa.text("coalesce(measured_sparsity, sparsity)")
    create_index("ix_jobs_owner_sparsity_id", "jobs", ["owner", sparsity, "id"])
    create_index("ix_jobs_owner_perplexity_id", "jobs", ["owner", "pruned_perplexity", "id"])
    create_index("ix_jobs_owner_worker_seconds_id", "jobs", ["owner", "worker_seconds", "id"])


def downgrade() -> None:
    for name in ("worker_seconds", "perplexity", "sparsity"):
        op.drop_index(f"ix_jobs_owner_{name}_id", "jobs")
    op.drop_column("jobs", "worker_seconds")
