"""Keys expire and only some are admin's; uploads; webhooks and what was sent to them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", _time("expires_at"))
    # 'admin' meant nothing so far and every key had it: only the key that `pruneserve up` has made keeps it.
    op.execute(
        "UPDATE api_keys SET scopes = array_remove(scopes, 'admin')"
        " WHERE NOT (owner = 'local' AND name = 'pruneserve up')"
    )
    op.create_check_constraint(
        op.f("ck_api_keys_scopes"), "api_keys", "scopes <@ ARRAY['jobs:read', 'jobs:write', 'admin']"
    )
    op.create_index("ix_api_keys_owner_id", "api_keys", ["owner", "id"])
    op.add_column("page_sessions", _now("seen_at"))
    op.create_table(
        "uploads",
        _id(),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
        sa.UniqueConstraint("owner", "sha256", "format", name="uq_uploads_owner_sha256_format"),
        sa.CheckConstraint("format IN ('txt', 'jsonl')", name=op.f("ck_uploads_format")),
    )
    op.create_index("ix_uploads_owner_id", "uploads", ["owner", "id"])
    op.create_table(
        "webhook_endpoints",
        _id(),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary()),
        _time("previous_secret_until"),
        _time("failing_since"),
        _time("disabled_at"),
        sa.Column("disabled_reason", sa.Text()),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoints"),
    )
    op.create_index("ix_webhook_endpoints_owner_id", "webhook_endpoints", ["owner", "id"])
    op.create_table(
        "webhook_deliveries",
        _id(),
        sa.Column("endpoint_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()")),
        _time("last_attempt_at"),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        _time("delivered_at"),
        _now("created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.ForeignKeyConstraint(
            ["endpoint_id"],
            ["webhook_endpoints.id"],
            name="fk_webhook_deliveries_endpoint_id",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_webhook_deliveries_endpoint_id_id", "webhook_deliveries", ["endpoint_id", "id"])
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["next_attempt_at"],
        postgresql_where=sa.text("next_attempt_at IS NOT NULL"),
    )


def downgrade() -> None:
    for table in ("webhook_deliveries", "webhook_endpoints", "uploads"):
        op.drop_table(table)
    op.drop_column("page_sessions", "seen_at")
    op.drop_index("ix_api_keys_owner_id", "api_keys")
    op.drop_constraint(op.f("ck_api_keys_scopes"), "api_keys")
    op.drop_column("api_keys", "expires_at")


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(
        name, sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
    )


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True))
