"""A worker's row says which layers of the sandbox hold on its machine."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("sandbox", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    op.drop_column("workers", "sandbox")
