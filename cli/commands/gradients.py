"""`pruneserve tools gradients`: the gradient norms that jobs have computed for later ones."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from cli.commands.downloads import save_files
from cli.options.common import AsJson
from cli.options.connection import connected
from cli.options.ids import MOST_LOOKED_AT, FinalJobId, JobId, whole_id
from cli.render.lists import plain_table, print_list, utc
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json, size
from pruneserve_client import Client
from pruneserve_client.models import GradientItem

app = typer.Typer(
    help="List, download and delete stored gradient norms.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("list")
@connected
def list_gradients(client: Client, as_json: AsJson = False) -> None:
    """List gradient norms, newest first."""
    print_list(client.gradients(), _table, as_json=as_json)


@app.command()
@connected
def download(
    client: Client,
    job: JobId,
    output: Annotated[Path, typer.Option(metavar="DIR", help="The directory for the file.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Download norms, for `python -m pruning --gradients` or to upload them elsewhere."""
    norms = _id(client, job)
    file = next((one.file for one in client.gradients() if one.id == norms), None)
    if file is None:
        raise CommandFailed("there is no file: the job has not succeeded, or it was deleted", Exit.FAILED)
    save_files(client, [file], output, err if as_json else out)
    if as_json:
        print_json([file.as_sent()])


@app.command()
@connected
def delete(client: Client, job: FinalJobId) -> None:
    """Delete norms with their job; refused while a job that has not ended needs them."""
    client.delete(_id(client, job))
    out.print("deleted")


def _id(client: Client, digits: str) -> UUID:
    return whole_id(digits, "gradient job", (one.id for one in islice(client.gradients(), MOST_LOOKED_AT)))


def _table(found: Iterable[GradientItem]) -> Table:
    table = plain_table("id", "model", "norms", "state", "size", "submitted")
    for item in found:
        table.add_row(
            str(item.id),
            clean(item.model),
            clean(", ".join(item.norms)),
            clean(item.state),
            size(item.file.size) if item.file else "",
            utc(item.created_at),
        )
    return table
