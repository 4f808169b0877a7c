"""Answers of the server: tables and lines for a terminal, JSON for programs."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from rich.table import Table

from cli.terminal import out, print_json
from pruneserve_client.base import Model

Item = TypeVar("Item", bound=Model)


def print_list(items: Iterable[Item], table_of: Callable[[Iterable[Item]], Table], *, as_json: bool) -> None:
    """Print the items: what the server sent, or a row for each."""
    if as_json:
        print_json([item.as_sent() for item in items])
    else:
        out.print(table_of(items))


def print_item(item: Model, shown: object, *, as_json: bool) -> None:
    """Print what the server sent of one item, or what a terminal shows of it."""
    if as_json:
        print_json(item.as_sent())
    else:
        out.print(shown)


def plain_table(*headings: str) -> Table:
    """Return a table without lines, which a program can split into columns too."""
    return Table(*headings, box=None, pad_edge=False)


def utc(value: datetime | None, otherwise: str = "") -> str:
    """Return a time in UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if value else otherwise
