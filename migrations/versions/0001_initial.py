"""The whole schema, as 0001_initial.sql makes it."""

from alembic import op

from migrations import INITIAL

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    statements = INITIAL.read_text(encoding="utf-8")
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})
