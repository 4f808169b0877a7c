"""Download the files of a job, or of an entry of the zoo."""

import re
from contextlib import nullcontext
from pathlib import Path
from uuid import UUID

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.terminal import CommandFailed, Exit, clean, out, size
from pruneserve_client import Client
from pruneserve_client.models import ArtifactItem, ZooFile


def job_or_entry(text: str) -> str:
    """Return the argument JOB: a job's id, or the name of an entry of the zoo."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,120}", text):
        raise typer.BadParameter(f"give a job's id or the name of an entry of the zoo, not {text!r}")
    return text


def download_all(client: Client, source: UUID | str, directory: Path) -> None:
    """Download every file of a job, or of an entry of the zoo, into `directory`; check each checksum."""
    files = _files(client, source)
    if not files:
        raise CommandFailed("the job has no files yet: it has them once it has succeeded", Exit.FAILED)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=out,
    )
    with bar if out.is_terminal else nullcontext():
        task = bar.add_task("downloading", total=sum(file.size for file in files))
        for file in files:
            try:
                client.download(file, directory, on_bytes=lambda count: bar.advance(task, count))
            except OSError as error:
                raise CommandFailed(f"cannot write to {directory}: {error}", Exit.USAGE) from error
            if not out.is_terminal:
                out.print(f"{clean(file.name)}  {size(file.size)}")
    out.print(f"{len(files)} files in {directory}")


def _files(client: Client, source: UUID | str) -> list[ArtifactItem] | list[ZooFile]:
    try:
        job_id = UUID(str(source))
    except ValueError:
        return client.zoo_entry(str(source)).files
    return client.artifacts(job_id)
