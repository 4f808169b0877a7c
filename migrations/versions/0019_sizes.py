"""Jobs have the size of their result, and its speed beside the dense model."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("parameters", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("weight_bytes", sa.BigInteger(), nullable=True))
    op.add_column("jobs", sa.Column("speedup", sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "speedup")
    op.drop_column("jobs", "weight_bytes")
    op.drop_column("jobs", "parameters")
