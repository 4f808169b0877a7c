"""The files of a job, onto this machine."""

from contextlib import nullcontext
from pathlib import Path, PurePosixPath
from uuid import UUID

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.client import Client
from cli.terminal import CommandFailed, Exit, clean, out, size


def download_all(client: Client, job_id: UUID, directory: Path) -> None:
    """Every artifact of the job into `directory`, each checked against its checksum."""
    artifacts = client.artifacts(job_id)
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


def _inside(directory: Path, name: str) -> Path:
    """Where a file goes that the server has named: never outside of the directory."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise CommandFailed(f"the server names a file {name!r}, which is not a plain name", Exit.FAILED)
    return directory.joinpath(*path.parts)
