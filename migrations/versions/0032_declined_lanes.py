"""Which workers could not help with a job's gradients, so that no lane of it is offered to them again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "gradient_lanes",
        sa.Column("declined_by", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_column("gradient_lanes", "declined_by")
