"""Perplexities of dense models that jobs share."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dense_perplexities",
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("perplexity", sa.Double(), nullable=False),
        sa.Column(
            "used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_dense_perplexities"),
    )
    op.create_index("ix_dense_perplexities_used_at", "dense_perplexities", ["used_at"])


def downgrade() -> None:
    op.drop_table("dense_perplexities")
