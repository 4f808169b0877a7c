"""The files of a job, onto this machine."""

import re
from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from uuid import UUID

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.client.client import Client
from cli.terminal import CommandFailed, Exit, clean, out, size


def source(text: str) -> str:
    """A job's id or the name of an entry in the zoo: both are letters, digits and hyphens."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,120}", text):
        raise typer.BadParameter(f"give a job's id or the name of an entry in the zoo, not {text!r}")
    return text


def download_all(client: Client, source: UUID | str, directory: Path) -> None:
    """Every file of a job, or of the zoo's entry of that name, into `directory`, each checked."""
    job_id = _job(source)
    artifacts = client.zoo_files(str(source)) if job_id is None else client.artifacts(job_id)
    if not artifacts:
        raise CommandFailed("the job has no files: it has them once it has succeeded", Exit.FAILED)
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=out,
    )
    with bar if out.is_terminal else nullcontext():
        task = bar.add_task("downloading", total=sum(artifact.size for artifact in artifacts))
        for artifact in artifacts:
            destination = _inside(directory, artifact.name)
            try:
                destination.parent.mkdir(parents=True, exist_ok=True)
                client.download(artifact, destination, advance=lambda count: bar.advance(task, count))
            except OSError as error:
                raise CommandFailed(f"cannot write {destination}: {error}", Exit.USAGE) from error
            if not out.is_terminal:
                out.print(f"{clean(artifact.name)}  {size(artifact.size)}")
    out.print(f"{len(artifacts)} files in {directory}")


def _job(source: UUID | str) -> UUID | None:
    try:
        return UUID(str(source))
    except ValueError:
        return None


def _inside(directory: Path, name: str) -> Path:
    """Where a file goes that the server has named: never outside of the directory."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise CommandFailed(f"the server names a file {name!r}, which is not a plain name", Exit.FAILED)
    return directory.joinpath(*path.parts)
