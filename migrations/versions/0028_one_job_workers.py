"""Workers that run one job only say so: no class lends itself while one of its own waits."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "workers",
        sa.Column("one_job", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    op.drop_column("workers", "one_job")
