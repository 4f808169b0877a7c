"""Under which conditions a finished block was computed, and how large its shard is."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A block of unknown conditions could not be used.
    op.execute("DELETE FROM job_blocks")
    op.add_column("job_blocks", sa.Column("size", sa.BigInteger(), nullable=False))
    op.add_column("job_blocks", sa.Column("conditions", postgresql.JSONB(), nullable=False))


def downgrade() -> None:
    for column in ("conditions", "size"):
        op.drop_column("job_blocks", column)
