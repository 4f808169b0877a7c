"""Since when a running job waits for the store, apart from since when its Hub does not answer."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("store_away_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("jobs", sa.Column("store_tries", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    op.drop_column("jobs", "store_tries")
    op.drop_column("jobs", "store_away_since")
