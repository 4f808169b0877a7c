"""Pieces of the fleet's queries."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Text, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.selectable import NamedFromClause

from jobs.tables import SEARCH_NOW, Worker


def is_alive(seen_within: float) -> ColumnElement[bool]:
    """Return the condition of a worker that sent a heartbeat in the last `seen_within` seconds."""
    return Worker.seen_at > SEARCH_NOW - timedelta(seconds=seen_within)


def each_value(
    session: Session, of: InstrumentedAttribute[str], *where: ColumnElement[bool]
) -> Sequence[str]:
    """Return the values of a column, each once and in order, of the rows that meet the conditions.

    Reads one row of each in an index that begins with the column: DISTINCT would read them all.
    """
    first = select(of).where(*where).order_by(of).limit(1)
    found = select(first.scalar_subquery().label("value")).cte("found", recursive=True)
    following = first.where(of > found.c.value).scalar_subquery()
    found = found.union_all(select(following).where(found.c.value.is_not(None)))
    return session.scalars(select(found.c.value).where(found.c.value.is_not(None))).all()


def table_of(owners: Sequence[str]) -> NamedFromClause:
    """Return a table of these owners, with the column `owner`: also of those who have no row anywhere."""
    return func.unnest(cast(owners, ARRAY(Text))).table_valued(column("owner", Text)).render_derived()
