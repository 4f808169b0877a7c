"""`pruneserve download`: the files of a job, or of an entry of the zoo."""

import re
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.options.common import AsJson
from cli.options.connection import connected
from cli.options.ids import find_job, is_partial_id
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json, size
from pruneserve_client import Client, NotFound
from pruneserve_client.models import ArtifactItem, ZooFile
from pruneserve_client.quantities import shown


def job_or_entry(text: str) -> str:
    """Return the argument JOB: a job's id, or the name of an entry of the zoo."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,120}", text):
        raise typer.BadParameter(f"give a job's id or the name of an entry of the zoo, not {shown(text)}")
    return text


Source = Annotated[
    str,
    typer.Argument(
        metavar="JOB",
        parser=job_or_entry,
        help="The job's id, or the name of a zoo entry.",
        show_default=False,
    ),
]


@connected
def download(
    client: Client,
    source: Source,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The directory for the files.", show_default="the value of JOB"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download the pruned model of a job or a zoo entry."""
    files = download_all(client, source, output or Path(source), err if as_json else out)
    if as_json:
        print_json([file.as_sent() for file in files])


def download_all(
    client: Client, source: UUID | str, directory: Path, console: Console = out
) -> list[ArtifactItem] | list[ZooFile]:
    """Download every file of a job, or of an entry of the zoo, into `directory`; check each checksum."""
    files = files_of(client, source)
    if not files:
        raise CommandFailed("the job has no files yet: it has them once it has succeeded", Exit.FAILED)
    save_files(client, files, directory, console)
    return files


def save_files(
    client: Client, files: Sequence[ArtifactItem | ZooFile], directory: Path, console: Console = out
) -> None:
    """Download files into `directory`, with a bar on a terminal; check each checksum."""
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
    )
    with bar if console.is_terminal else nullcontext():
        task = bar.add_task("downloading", total=sum(file.size for file in files))
        for file in files:
            try:
                client.download(file, directory, on_bytes=lambda count: bar.advance(task, count))
            except OSError as error:
                raise CommandFailed(f"cannot write to {directory}: {error}", Exit.USAGE) from error
            if not console.is_terminal:
                console.print(f"{clean(file.name)}  {size(file.size)}")
    console.print(f"{len(files)} files in {directory}")


def files_of(client: Client, source: UUID | str) -> list[ArtifactItem] | list[ZooFile]:
    """Return the files of a job, by its id or some digits of it, or of an entry of the zoo."""
    try:
        return client.artifacts(UUID(str(source)))
    except ValueError:
        pass
    try:
        return client.zoo_entry(str(source)).files
    except NotFound:
        if not is_partial_id(str(source)):
            raise
    return client.artifacts(find_job(client, str(source)))
