"""Leases have a narrow table of their own, in which a heartbeat changes one row in place.

Workers of the release before write `jobs.lease_expires_at`, and dispatchers of this one look at both. The
column and its index go in the next release.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_leases_job_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", name="pk_leases"),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_leases_look_at", "leases", ["look_at"])
    op.execute("ALTER TABLE workers SET (fillfactor = 50)")


def downgrade() -> None:
    # A dispatcher of the release before knows no other lease than the one in the job's row.
    op.execute(
        "UPDATE jobs SET lease_expires_at = leases.expires_at FROM leases WHERE leases.job_id = jobs.id"
    )
    op.execute("ALTER TABLE workers RESET (fillfactor)")
    op.drop_table("leases")
