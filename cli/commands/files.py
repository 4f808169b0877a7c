"""`pruneserve tools uploads`: uploaded texts and gradient norms."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.filesize import decimal as size
from rich.table import Table

from cli.options.common import AsJson, command_group
from cli.options.connection import connected
from cli.options.ids import argument, find_id
from cli.render.tables import plain_table, print_item, print_list, utc
from cli.terminal import CommandFailed, Exit, clean, err, out
from pruneserve_client import Client
from pruneserve_client.models import UploadItem

uploads = command_group("Upload texts and gradient norms for jobs, list and delete them.")

UploadId = Annotated[str, argument("upload", final=True)]


@uploads.command()
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


@uploads.command("list")
@connected
def list_uploads(client: Client, as_json: AsJson = False) -> None:
    """List your uploads, newest first."""
    print_list(client.uploads(), _table_of_uploads, as_json=as_json)


@uploads.command("delete")
@connected
def delete_upload(client: Client, upload: UploadId) -> None:
    """Delete an upload. Refused while an unfinished job needs it."""
    client.delete_upload(find_id(upload, "upload", client.uploads()))
    out.print("deleted")


def _table_of_uploads(found: Iterable[UploadItem]) -> Table:
    table = plain_table("name", "size", "uploaded", "dataset")
    for upload in found:
        table.add_row(clean(upload.name), size(upload.size), utc(upload.created_at), clean(upload.dataset))
    return table
