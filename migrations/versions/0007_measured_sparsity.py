"""Jobs have the measured share of zeros beside the requested one, so that lists need no report."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("measured_sparsity", sa.Double()))


def downgrade() -> None:
    op.drop_column("jobs", "measured_sparsity")
