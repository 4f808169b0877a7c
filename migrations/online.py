"""Indexes on tables that are in use: they are built while the tables are read and written."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

_IS_INVALID = sa.text("SELECT NOT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:name)")


def create_index(
    name: str, table: str, columns: Sequence[str | sa.TextClause], where: str | None = None
) -> None:
    """Build an index concurrently, which PostgreSQL does outside of a transaction only.

    What the revision has done before is committed here, and not yet recorded as done. So indexes come last in
    a revision, and all of it must be repeatable (`if_not_exists`): it is run again if it is interrupted.
    """
    context = op.get_context()
    with context.autocommit_block():
        # What an interrupted attempt has left is kept up to date, but no query uses it.
        if not context.as_sql and op.get_bind().execute(_IS_INVALID, {"name": name}).scalar():
            op.drop_index(name, table, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            [*columns],
            postgresql_where=None if where is None else sa.text(where),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
