"""Since when the broker does not answer a dispatcher."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dispatchers", sa.Column("broker_away_since", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("dispatchers", "broker_away_since")
