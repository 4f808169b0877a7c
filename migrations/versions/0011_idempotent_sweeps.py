"""An idempotency key may have made a sweep in place of a job."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("idempotency_keys", sa.Column("sweep_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_idempotency_keys_sweep_id"),
        "idempotency_keys",
        "sweeps",
        ["sweep_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.alter_column("idempotency_keys", "job_id", nullable=True)
    op.create_index(
        "ix_idempotency_keys_sweep_id",
        "idempotency_keys",
        ["sweep_id"],
        postgresql_where=sa.text("sweep_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("DELETE FROM idempotency_keys WHERE job_id IS NULL")
    op.drop_index("ix_idempotency_keys_sweep_id", "idempotency_keys")
    op.alter_column("idempotency_keys", "job_id", nullable=False)
    op.drop_constraint(op.f("fk_idempotency_keys_sweep_id"), "idempotency_keys")
    op.drop_column("idempotency_keys", "sweep_id")
