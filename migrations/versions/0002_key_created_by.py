"""Keys name the key that made them, so that revoking one can revoke those as well."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("created_by", sa.Uuid()))
    op.create_foreign_key(op.f("fk_api_keys_created_by"), "api_keys", "api_keys", ["created_by"], ["id"])
    op.create_index(
        "ix_api_keys_created_by",
        "api_keys",
        ["created_by"],
        postgresql_where=sa.text("created_by IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_api_keys_created_by", "api_keys")
    op.drop_constraint(op.f("fk_api_keys_created_by"), "api_keys", type_="foreignkey")
    op.drop_column("api_keys", "created_by")
