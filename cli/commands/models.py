"""Pruned models: `pruneserve download` and `apply`."""

import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.filesize import decimal as size
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.commands.zoo import find_entry
from cli.options import common
from cli.options.common import AsJson
from cli.options.connection import connected
from cli.options.errors import print_retry
from cli.options.ids import find_job, is_partial_id
from cli.terminal import CommandFailed, Exit, clean, err, out, print_json
from pruneserve_client import Client, NotFound, PruneServeError
from pruneserve_client.errors import may_pass
from pruneserve_client.models import ArtifactItem, ZooFile
from pruneserve_client.user_input import quoted
from pruneserve_client.wire import retry


def job_or_entry(text: str) -> str:
    """Return the argument JOB: a job's id, or the name of an entry of the zoo."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,120}", text):
        raise typer.BadParameter(f"give a job's id or the name of an entry of the zoo, not {quoted(text)}")
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
    include: Annotated[
        str | None,
        typer.Option(
            metavar="GLOB",
            help="Only the files whose names match, such as '*Q4_K_M.gguf'.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Download the files of a job or a zoo entry; check their SHA-256."""
    files = download_all(client, source, output or Path(source), err if as_json else out, include=include)
    if as_json:
        print_json([file.as_sent() for file in files])


def download_all(
    client: Client,
    source: UUID | str,
    directory: Path,
    console: Console = out,
    *,
    include: str | None = None,
) -> Sequence[ArtifactItem | ZooFile]:
    """Download the files of a job, or of an entry of the zoo, into `directory`; check each checksum.

    `include`: a glob on their names. Raises CommandFailed where there is no such file.
    """
    try:
        there = files_of(client, source)
    except PruneServeError as error:
        if not may_pass(error, answered=True):  # by the server that has told of the job or entry
            raise
        print_retry(error, common.PATIENCE_SECONDS)
        there = retry(partial(files_of, client, source), common.PATIENCE_SECONDS, answered=True)
    if not there:
        job = client.job(find_job(client, str(source)))
        if job.state in ("failed", "cancelled"):
            way_on = f"`pruneserve retry {job.id}` queues it again"
        elif job.artifacts_expired_at:
            way_on = "its files have expired; submit it again"
        else:
            way_on = "it has no files" if job.state == "succeeded" else "it has files once it has succeeded"
        raise CommandFailed(f"the job is {job.state}: {way_on}", Exit.FAILED)
    files = [file for file in there if include is None or fnmatchcase(file.name, include)]
    if not files:
        names = ", ".join(clean(file.name) for file in there)
        raise CommandFailed(f"--include: no file matches {quoted(include)}; there are {names}", Exit.USAGE)
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
                advance = partial(bar.advance, task)
                client.download(file, directory, on_bytes=advance, patience=common.PATIENCE_SECONDS)
            except OSError as error:
                raise CommandFailed(f"cannot write to {directory}: {error}", Exit.FAILED) from error
            if not console.is_terminal:
                console.print(f"{clean(file.name)}  {size(file.size)}")
    console.print(f"{len(files)} files in {directory}")


def files_of(client: Client, source: UUID | str) -> list[ArtifactItem] | list[ZooFile]:
    """Return the files of a job, by its id or some digits of it, or of an entry of the zoo."""
    try:
        return client.artifacts(UUID(str(source)))
    except ValueError:
        pass
    if not is_partial_id(str(source)):
        return find_entry(client, str(source)).files
    with suppress(NotFound):
        return client.zoo_entry(str(source)).files
    return client.artifacts(find_job(client, str(source)))


def apply(
    base: Annotated[
        Path, typer.Argument(metavar="BASE", help="The directory of the dense model.", show_default=False)
    ],
    mask: Annotated[
        Path, typer.Argument(metavar="MASK", help="The file of the export `mask`.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Argument(metavar="OUTPUT", help="Where the result goes; must not exist.", show_default=False),
    ],
) -> None:
    """Make a job's checkpoint from its dense model and a mask.

    It runs on this machine; the mask is the job's export `mask`. Each file is compared with its SHA-256. Card
    and report are not made: they are files of the job.
    """
    given = ("--model", base.absolute(), "--apply", mask.absolute(), "--output", output.absolute())
    command = [sys.executable, "-P", "-m", "pruning", *map(str, given)]
    finished = subprocess.run(command, check=False)  # noqa: S603 - our own module
    if finished.returncode:
        raise CommandFailed("nothing was written", Exit.USAGE if finished.returncode == 2 else Exit.FAILED)
