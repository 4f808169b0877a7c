"""Explains every statement that a database is asked: how many rows it reads, and how many it is about.

A statement is explained with ANALYZE, which runs it, in a savepoint that is rolled back; then it runs as if
nothing had been. So what is explained is what the service asks, with its parameters and the rows of then.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, event
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
_WRITES = ("Insert", "Update", "Delete")


@dataclass(frozen=True, slots=True)
class Explained:
    """One statement that was asked."""

    statement: str
    read: int
    """Rows of tables and entries of indexes that were read."""
    touched: int
    """Rows that it returned, changed or counted."""
    milliseconds: float
    sorted: int
    """Rows that were sorted."""

    @property
    def proportionate(self) -> bool:
        """Whether it has read less than ten times the rows that it is about; of none, less than ten."""
        return self.read < 10 * max(1, self.touched)


@contextmanager
def explaining(engine: Engine) -> Iterator[list[Explained]]:
    """Explain what is asked through `engine`, into the list."""
    found: list[Explained] = []

    def before(
        connection: Connection,
        cursor: object,
        statement: str,
        parameters: Any,
        context: object,
        many: bool,
    ) -> None:
        if statement.lstrip("( ").startswith(_EXPLAINED) and not many:
            found.append(_explained(connection, statement, parameters))

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", before)


def _explained(connection: Connection, statement: str, parameters: Any) -> Explained:
    own = connection.connection.cursor()
    own.execute("SAVEPOINT explained")
    own.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters)
    row = own.fetchone()
    own.execute("ROLLBACK TO SAVEPOINT explained")
    own.close()
    assert row is not None
    document = row[0][0]
    plan = document["Plan"]
    sorting = (node for node in _nodes(plan) if "Sort" in node["Node Type"])
    rows = sum(map(_passed_on, sorting))
    return Explained(statement, scanned(plan), _touched(plan), document["Execution Time"], rows)


def _touched(plan: dict[str, Any]) -> int:
    """Return the rows that a statement changes or returns; of one that counts, those that it counts."""
    changed = sum(_passed_on(node) for node in _nodes(plan) if node.get("Operation") in _WRITES)
    counted = sum(_passed_on(below) for below in plan.get("Plans", ()) if plan["Node Type"] == "Aggregate")
    return max(_passed_on(plan), changed, counted)


def _passed_on(node: dict[str, Any]) -> int:
    """Return the rows that a node has passed on; of one that writes without RETURNING, those it was given."""
    if node.get("Operation") in _WRITES and not node["Actual Rows"]:
        return sum(_passed_on(below) for below in node.get("Plans", ()))
    return round(float(node["Actual Rows"]) * float(node["Actual Loops"]))


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def rows_read(connection: Connection, query: Select[Any]) -> int:
    """Return how many rows of tables and indexes the database reads to answer `query`."""
    dialect = PGDialect_psycopg()  # type: ignore[no-untyped-call]
    compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.params)
    return scanned(explained.scalar_one()[0]["Plan"])


_NO_TABLES = ("Subquery Scan", "CTE Scan", "Function Scan")


def scanned(plan: dict[str, Any]) -> int:
    """Return how many rows of tables and entries of indexes a plan that was run has read."""
    below = sum(map(scanned, plan.get("Plans", ())))
    if not plan["Node Type"].endswith("Scan") or plan["Node Type"] in _NO_TABLES:
        return below
    rows: float = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    rows += plan.get("Rows Removed by Index Recheck", 0)
    return below + round(rows * float(plan["Actual Loops"]))
