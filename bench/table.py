"""Tables in Markdown, line by line."""

from collections.abc import Iterator


def header(*columns: str) -> Iterator[str]:
    """The first two lines of a Markdown table."""
    yield row_of(list(columns))
    yield row_of(["---"] * len(columns))


def row_of(cells: list[str]) -> str:
    """Another one."""
    return f"| {' | '.join(cells)} |"
