"""Tables and lines for a terminal, JSON for programs: lists, single items, estimates."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from rich.console import Console
from rich.filesize import decimal as size
from rich.table import Column, Table

from cli.terminal import clean, duration, out, print_json
from pruneserve_client.base import Model
from pruneserve_client.models import Estimate, QueueEstimate

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


def plain_table(*headings: str | Column) -> Table:
    """Return a table without lines, which a program can split into columns too. It cuts no text."""
    table = Table(*headings, box=None, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    return table


def ids(heading: str) -> Column:
    """Return a column of ids, which are whole on any terminal: those of one minute begin alike."""
    return Column(heading, no_wrap=True, min_width=_ID_DIGITS)


_ID_DIGITS = 36


def plain_grid() -> Table:
    """Return a table of names and values without headings. It cuts no text."""
    return Table.grid("", Column(overflow="fold"), padding=(0, 2))


def utc(value: datetime | None, otherwise: str = "") -> str:
    """Return a time in UTC, to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if value else otherwise


_NUMBER_COLUMNS = ("time", "peak memory", "operations")


def print_estimate(console: Console, estimate: Estimate) -> None:
    """Print what a job would take, stage by stage."""
    model, machine = estimate.model, estimate.machine
    console.print(
        f"{clean(model.model_type)}, {model.parameters / 1e6:,.0f} M parameters, {model.blocks} blocks"
    )
    schedule = f", gradients {clean(estimate.schedule)}" if estimate.schedule else ""
    console.print(f"on {clean(machine.device)} in {clean(estimate.dtype)}{schedule}")
    table = Table("stage", *_NUMBER_COLUMNS, box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for stage in estimate.stages:
        table.add_row(
            clean(stage.name),
            duration(stage.seconds),
            size(stage.memory_bytes) if stage.memory_bytes else "",
            f"{stage.operations:.1e}" if stage.operations else "",
        )
    table.add_row("all", duration(estimate.seconds), size(estimate.memory_bytes), "")
    console.print(table)
    console.print(f"the files take {size(estimate.output_bytes)}")
    for each in estimate.queues:
        console.print(f"queue {clean(each.queue)}: {_queue_estimate(each, estimate.queue)}")
    for note in estimate.notes:
        console.print(f"note: {clean(note)}")


def _queue_estimate(found: QueueEstimate, chosen: str | None) -> str:
    """Say whether the job fits the workers of a queue, and how long it takes there."""
    if found.missing is not None:
        return f"does not fit: the job needs {clean(found.missing)}"
    takes = "fits" if found.seconds is None else f"fits, {duration(found.seconds)}"
    return f"{takes}; the job would run here" if found.queue == chosen else takes
