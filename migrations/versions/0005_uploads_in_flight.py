"""Uploads that are being sent take their owner's quota."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stray_uploads", sa.Column("owner", sa.Text()))
    op.add_column("stray_uploads", sa.Column("size", sa.BigInteger()))
    op.create_index(
        "ix_stray_uploads_owner", "stray_uploads", ["owner"], postgresql_where=sa.text("owner IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_stray_uploads_owner", "stray_uploads")
    op.drop_column("stray_uploads", "size")
    op.drop_column("stray_uploads", "owner")
