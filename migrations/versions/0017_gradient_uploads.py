"""An upload may hold gradient norms."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_CONSTRAINT = "ck_uploads_format"


def upgrade() -> None:
    op.drop_constraint(op.f(_CONSTRAINT), "uploads")
    # An owner has few uploads, so the rows are checked at once.
    op.create_check_constraint(op.f(_CONSTRAINT), "uploads", "format IN ('txt', 'jsonl', 'safetensors')")


def downgrade() -> None:
    # Uploads of norms stay: the previous release never names them.
    op.drop_constraint(op.f(_CONSTRAINT), "uploads")
    op.create_check_constraint(
        op.f(_CONSTRAINT), "uploads", "format IN ('txt', 'jsonl')", postgresql_not_valid=True
    )
