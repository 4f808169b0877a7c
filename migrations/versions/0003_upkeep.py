"""What retries, limits and the sweeper need: when a job last moved, what it has left behind, and indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIMES = ("progressed_at", "retried_at", "litter_since", "artifacts_expired_at")

_INDEXES: tuple[tuple[str, str, str, str | None], ...] = (
    ("ix_jobs_held_by", "jobs", "worker", "state IN ('running', 'cancelling')"),
    ("ix_jobs_litter_since", "jobs", "litter_since", "litter_since IS NOT NULL"),
    ("ix_jobs_unexpired", "jobs", "succeeded_at", "state = 'succeeded' AND artifacts_expired_at IS NULL"),
    ("ix_job_events_progress_at", "job_events", "at", "kind = 'progress'"),
    ("ix_idempotency_keys_job_id", "idempotency_keys", "job_id", None),
    ("ix_idempotency_keys_created_at", "idempotency_keys", "created_at", None),
    ("ix_page_sessions_api_key_id", "page_sessions", "api_key_id", None),
)


def upgrade() -> None:
    for name in _TIMES:
        op.add_column("jobs", sa.Column(name, sa.DateTime(timezone=True)))
    for name, table, column, condition in _INDEXES:
        where = None if condition is None else sa.text(condition)
        op.create_index(name, table, [column], postgresql_where=where)


def downgrade() -> None:
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table)
    for name in _TIMES:
        op.drop_column("jobs", name)
