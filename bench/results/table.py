"""Markdown tables, line by line."""

from collections.abc import Iterator


def header(*columns: str) -> Iterator[str]:
    """Yield the first two lines of a table."""
    yield row_of(list(columns))
    yield row_of(["---"] * len(columns))


def row_of(cells: list[str]) -> str:
    """Return one row."""
    return f"| {' | '.join(cells)} |"
