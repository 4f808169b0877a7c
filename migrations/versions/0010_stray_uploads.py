"""Files of uploads that no row names, so that none stays in the store for ever."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stray_uploads",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("doomed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "since",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("key", name="pk_stray_uploads"),
    )


def downgrade() -> None:
    op.drop_table("stray_uploads")
