"""`pruneserve zoo`: succeeded jobs that an owner recommends to the others."""

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.filesize import decimal as size
from rich.table import Table

from cli.options.common import AsJson, command_group
from cli.options.connection import connected
from cli.options.ids import JobId, find_job
from cli.render.tables import plain_grid, plain_table, print_item, print_list
from cli.render.views import change
from cli.terminal import CommandFailed, Exit, clean, err, out
from pruneserve_client import Client, NotFound
from pruneserve_client.models import ZooDetail, ZooItem
from pruneserve_client.user_input import quoted

app = command_group("List, show, promote and withdraw shared models.")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name of an entry of the zoo.", show_default=False)
]


@app.command("list")
@connected
def list_entries(
    client: Client,
    search: Annotated[
        str | None, typer.Option(help="Only entries whose name or model contains this.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Only entries with this method.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the entries of the zoo, newest first."""
    print_list(client.zoo(search=search, method=method), _table, as_json=as_json)


def find_entry(client: Client, name: str) -> ZooDetail:
    """Return an entry of the zoo. Raises CommandFailed, with the next step, where the server has none."""
    try:
        return client.zoo_entry(name)
    except NotFound as error:
        if error.problem is None:  # a proxy's
            raise
        raise CommandFailed(
            f"the zoo has no entry {quoted(name)}: `pruneserve zoo list` shows all", Exit.USAGE
        ) from error


@app.command()
@connected
def show(client: Client, name: Name, as_json: AsJson = False) -> None:
    """Show an entry of the zoo with its files."""
    entry = find_entry(client, name)
    print_item(entry, _table_of_entry(entry), as_json=as_json)
    err.print(f"get it with: pruneserve download {clean(entry.slug)}")


@app.command()
@connected
def promote(
    client: Client,
    job: JobId,
    note: Annotated[str, typer.Option(help="What the model is good for, in a few words.")] = "",
    as_json: AsJson = False,
) -> None:
    """Put a succeeded job into the zoo, and print the entry's name."""
    entry = client.promote({"job_id": str(find_job(client, job)), "note": note})
    print_item(entry, clean(entry.slug), as_json=as_json)


@app.command()
@connected
def withdraw(client: Client, name: Name) -> None:
    """Take an entry out of the zoo. Its job stays."""
    client.withdraw(name)
    out.print("withdrawn")


def _table(entries: Iterable[ZooItem]) -> Table:
    table = plain_table("name", "method", "pattern", "sparsity", "perplexity", "size", "of", "note")
    for entry in entries:
        table.add_row(
            clean(entry.slug),
            clean(entry.method),
            clean(entry.pattern),
            f"{entry.sparsity:g}",
            change(entry.perplexity),
            size(entry.size),
            clean(entry.promoted_by),
            clean(entry.note),
        )
    return table


def _table_of_entry(entry: ZooDetail) -> Table:
    table = plain_grid()
    table.add_row("name", clean(entry.slug))
    table.add_row("model", clean(entry.model))
    table.add_row("method", f"{clean(entry.method)}, {clean(entry.pattern)}, sparsity {entry.sparsity:g}")
    table.add_row("perplexity", change(entry.perplexity))
    table.add_row("of", clean(entry.promoted_by))
    if entry.note:
        table.add_row("note", clean(entry.note))
    for file in entry.files:
        table.add_row("file", f"{clean(file.name)}, {size(file.size)}, SHA-256 {clean(file.sha256)}")
    return table
