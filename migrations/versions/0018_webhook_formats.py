"""A webhook has a format: Standard Webhooks, or that of Slack."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "webhook_endpoints", sa.Column("format", sa.Text(), server_default="standard", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("webhook_endpoints", "format")
