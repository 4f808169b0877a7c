"""Artifacts may be kept compressed, where the release that took the job can serve them so."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("artifacts", sa.Column("stored_size", sa.BigInteger(), nullable=True))
    op.add_column(
        "jobs", sa.Column("compress", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )


def downgrade() -> None:
    op.drop_column("jobs", "compress")
    op.drop_column("artifacts", "stored_size")
