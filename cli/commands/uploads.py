"""`pruneserve tools uploads`: texts and gradient norms of one's own, for jobs."""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.options.common import AsJson
from cli.options.connection import connected
from cli.options.ids import MOST_LOOKED_AT, argument, whole_id
from cli.render.lists import plain_table, print_item, print_list, utc
from cli.terminal import CommandFailed, Exit, clean, err, out, size
from pruneserve_client import Client
from pruneserve_client.models import UploadItem

app = typer.Typer(
    help="Upload texts and gradient norms for jobs, list and delete them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

UploadId = Annotated[str, argument("upload", final=True)]


@app.command()
@connected
def add(
    client: Client,
    file: Annotated[
        Path,
        typer.Argument(
            help="A .txt file, a .jsonl file with a document per line, or gradient norms (.safetensors).",
            show_default=False,
        ),
    ],
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default="the file's name")] = None,
    as_json: AsJson = False,
) -> None:
    """Upload a file and print the name by which a job uses it. The same content is stored once."""
    try:
        upload = client.upload(file, name=name)
    except OSError as error:
        raise CommandFailed(f"cannot read {file}: {error}", Exit.USAGE) from error
    use = "`gradients` of a recipe" if upload.format == "safetensors" else "--calibration or --evaluation"
    err.print(f"name it in {use}:")
    print_item(upload, clean(upload.dataset), as_json=as_json)


@app.command("list")
@connected
def list_uploads(client: Client, as_json: AsJson = False) -> None:
    """List your uploads, newest first."""
    print_list(client.uploads(), _table, as_json=as_json)


@app.command()
@connected
def delete(client: Client, upload: UploadId) -> None:
    """Delete an upload. Refused while an unfinished job needs it."""
    newest = (one.id for one in islice(client.uploads(), MOST_LOOKED_AT))
    client.delete_upload(whole_id(upload, "upload", newest))
    out.print("deleted")


def _table(uploads: Iterable[UploadItem]) -> Table:
    table = plain_table("name", "size", "uploaded", "dataset")
    for upload in uploads:
        table.add_row(clean(upload.name), size(upload.size), utc(upload.created_at), clean(upload.dataset))
    return table
