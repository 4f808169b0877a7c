"""`pruneserve tools uploads` and `gradients`: uploaded texts, and gradient norms of jobs."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from cli.commands.models import save_files
from cli.options.common import AsJson, command_group
from cli.options.connection import connected
from cli.options.ids import IrreversibleJobId, JobId, argument, find_id
from cli.render.tables import plain_table, print_item, print_list, utc
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json, size
from pruneserve_client import Client
from pruneserve_client.models import GradientItem, UploadItem

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


gradients = command_group("List, download and delete stored gradient norms.")


@gradients.command("list")
@connected
def list_gradients(client: Client, as_json: AsJson = False) -> None:
    """List gradient norms, newest first."""
    print_list(client.gradients(), _table_of_gradients, as_json=as_json)


@gradients.command("download")
@connected
def download_gradients(
    client: Client,
    job: JobId,
    output: Annotated[Path, typer.Option(metavar="DIR", help="The directory for the file.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Download norms, for `python -m pruning --gradients` or to upload them elsewhere."""
    norms = _gradients_id(client, job)
    file = next((one.file for one in client.gradients() if one.id == norms), None)
    if file is None:
        raise CommandFailed("there is no file: the job has not succeeded, or it was deleted", Exit.FAILED)
    save_files(client, [file], output, err if as_json else out)
    if as_json:
        print_json([file.as_sent()])


@gradients.command("delete")
@connected
def delete_gradients(client: Client, job: IrreversibleJobId) -> None:
    """Delete norms with their job; refused while a job that has not ended needs them."""
    client.delete(_gradients_id(client, job))
    out.print("deleted")


def _gradients_id(client: Client, digits: str) -> UUID:
    return find_id(digits, "gradient job", client.gradients())


def _table_of_gradients(found: Iterable[GradientItem]) -> Table:
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
