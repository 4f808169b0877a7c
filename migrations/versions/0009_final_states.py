"""Jobs have what compares them with the dense model, and cached perplexities the file that this takes."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("kl", sa.Double(), nullable=True))
    op.add_column("jobs", sa.Column("agreement", sa.Double(), nullable=True))
    op.add_column("perplexity_cache", sa.Column("job_id", sa.Uuid(), nullable=True))
    op.add_column("perplexity_cache", sa.Column("key", sa.Text(), nullable=True))
    op.add_column("perplexity_cache", sa.Column("size", sa.BigInteger(), nullable=True))
    op.add_column("perplexity_cache", sa.Column("sha256", sa.Text(), nullable=True))
    op.create_index("ix_perplexity_cache_job_id", "perplexity_cache", ["job_id"])


def downgrade() -> None:
    op.drop_index("ix_perplexity_cache_job_id", "perplexity_cache")
    op.drop_column("perplexity_cache", "sha256")
    op.drop_column("perplexity_cache", "size")
    op.drop_column("perplexity_cache", "key")
    op.drop_column("perplexity_cache", "job_id")
    op.drop_column("jobs", "agreement")
    op.drop_column("jobs", "kl")
