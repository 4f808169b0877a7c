"""A worker's row counts its faults in a row, and says since when and why it takes no jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("faults", sa.Integer(), server_default="0", nullable=False))
    op.add_column("workers", sa.Column("quarantined_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("workers", sa.Column("fault", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("workers", "fault")
    op.drop_column("workers", "quarantined_at")
    op.drop_column("workers", "faults")
