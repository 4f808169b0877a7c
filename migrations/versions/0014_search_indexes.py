"""What dispatchers look for in each round has an index of its own."""

from alembic import op

from migrations.online import create_index

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OPEN = "sweep_id IS NOT NULL AND state IN ('queued', 'running', 'cancelling')"


def upgrade() -> None:
    create_index(
        "ix_jobs_undispatched", "jobs", ["queue", "id"], "state = 'queued' AND dispatched_at IS NULL"
    )
    create_index(
        "ix_jobs_dispatched",
        "jobs",
        ["queue", "dispatched_at"],
        "state = 'queued' AND dispatched_at IS NOT NULL",
    )
    create_index("ix_jobs_checks_pending", "jobs", ["id"], "state = 'queued' AND checks_pending")
    create_index("ix_jobs_open_of_sweep", "jobs", ["sweep_id"], _OPEN)
    create_index("ix_api_keys_revoked_at", "api_keys", ["revoked_at"], "revoked_at IS NOT NULL")
    create_index("ix_job_blocks_finished_at", "job_blocks", ["finished_at"])
    create_index("ix_gradient_cache_used_at", "gradient_cache", ["used_at"])


def downgrade() -> None:
    op.drop_index("ix_gradient_cache_used_at", "gradient_cache")
    op.drop_index("ix_job_blocks_finished_at", "job_blocks")
    op.drop_index("ix_api_keys_revoked_at", "api_keys")
    for name in ("open_of_sweep", "checks_pending", "dispatched", "undispatched"):
        op.drop_index(f"ix_jobs_{name}", "jobs")
