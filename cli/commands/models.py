"""Pruned models: `pruneserve download` and `apply`, and `tools publish`.

`publish` uploads to the Hugging Face Hub with the user's own token. The files pass through this machine. The
token never reaches the service, which never writes to the Hub.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from fnmatch import fnmatchcase
from functools import partial
from importlib.util import find_spec
from json import JSONDecodeError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.filesize import decimal as size
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cli.options import common
from cli.options.common import AsJson
from cli.options.connection import connected
from cli.options.errors import describe_error
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
    """Download the pruned model of a job or a zoo entry; check each file's SHA-256."""
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
        err.print(f"{clean(describe_error(error))}; retrying for up to {common.PATIENCE_SECONDS:.0f} s")
        there = retry(partial(files_of, client, source), common.PATIENCE_SECONDS, answered=True)
    if not there:
        raise CommandFailed("the job has no files yet: it has them once it has succeeded", Exit.FAILED)
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
    try:
        return client.zoo_entry(str(source)).files
    except NotFound:
        if not is_partial_id(str(source)):
            raise
    return client.artifacts(find_job(client, str(source)))


_CARD = "README.md"
_RELATION = "finetune"
_PLACEHOLDER = "<this directory>"


@connected
def publish(
    client: Client,
    source: Source,
    repository: Annotated[
        str, typer.Argument(metavar="REPO", help="A repository on the Hugging Face Hub, owner/name.")
    ],
    private: Annotated[
        bool, typer.Option("--private/--public", help="Whether a new repository is private.")
    ] = True,
    base_model: Annotated[
        str | None,
        typer.Option(
            help="The dense model's name on the Hub, where the job has pruned it from a directory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Upload a pruned model with its card to the Hugging Face Hub.

    The token is HF_TOKEN, or the one that `hf auth login` has stored. It never reaches the service.
    """
    with TemporaryDirectory() as directory:
        _publish(client, source, repository, Path(directory), private=private, base_model=base_model)


def _publish(
    client: Client,
    source: str,
    repository: str,
    directory: Path,
    *,
    private: bool,
    base_model: str | None = None,
) -> str:
    """Download the files of a job or zoo entry, upload them as one commit, and return the commit's URL.

    `base_model`: the dense model's name on the Hub, for the card of a model that was pruned from a directory.
    """
    _require_hub()
    from huggingface_hub import HfApi

    hub = HfApi(library_name="pruneserve")
    # First, so that a bad name or token fails before anything is downloaded.
    with _hub_errors(repository):
        created = hub.create_repo(repository, private=private, exist_ok=True)
    download_all(client, source, directory)
    try:
        _set_repository(directory / _CARD, created.repo_id)
        if base_model is not None:
            _set_base_model(directory / _CARD, base_model)
    except OSError as error:
        raise CommandFailed(f"the card cannot be changed: {error}", Exit.FAILED) from error
    with _hub_errors(repository):
        commit = hub.upload_folder(
            repo_id=created.repo_id, folder_path=directory, commit_message="Pruned with PruneServe"
        )
    out.print(f"published as {clean(commit.commit_url)}")
    return str(commit.commit_url)


def _require_hub() -> None:
    if find_spec("huggingface_hub") is None:
        raise CommandFailed(
            "publishing needs huggingface_hub: pip install 'huggingface-hub>=1.0'", Exit.USAGE
        )


@contextmanager
def _hub_errors(repository: str) -> Iterator[None]:
    """Turn every error of a call to the Hub into a message and an exit code."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        yield
    except HFValidationError as error:
        raise CommandFailed(f"{repository!r} is not the name of a repository: {error}", Exit.USAGE) from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            advice = "the Hub rejects the token: set HF_TOKEN to one that may write, or run `hf auth login`"
            raise CommandFailed(advice, Exit.USAGE) from error
        raise CommandFailed(f"the Hub rejects the upload: {error}", Exit.FAILED) from error
    except JSONDecodeError as error:
        raise CommandFailed("what answers is not the Hub: see HF_ENDPOINT", Exit.UNREACHABLE) from error
    except ValueError as error:
        # Of the checks that need no network, only that of a card's metadata is left.
        raise CommandFailed(f"the Hub rejects the card: {error}", Exit.FAILED) from error
    except Exception as error:
        # Each library down to the network has errors of its own, without a common base class.
        raise CommandFailed(f"the Hub cannot be reached: {error}", Exit.UNREACHABLE) from error


def _set_repository(card: Path, repository: str) -> None:
    """Put the repository's name into the code of the card that loads the model."""
    if not card.exists():
        return
    text = card.read_text(encoding="utf-8").replace(_PLACEHOLDER, repository)
    card.write_text(text, encoding="utf-8")


def _set_base_model(card: Path, base_model: str) -> None:
    """Name the dense model in the card's metadata, by which the Hub links the two."""
    from huggingface_hub import ModelCard
    from huggingface_hub.utils._validators import validate_repo_id

    if not card.exists():
        return
    with _hub_errors(base_model):
        validate_repo_id(base_model)
    read = ModelCard.load(card)
    read.data.base_model, read.data.base_model_relation = base_model, _RELATION
    read.save(card)


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
    """Make a job's checkpoint from its dense model and the mask that it exported, on this machine.

    Each file is compared with its SHA-256. Card and report are not made: they are files of the job.
    """
    given = ("--model", base.absolute(), "--apply", mask.absolute(), "--output", output.absolute())
    command = [sys.executable, "-P", "-m", "pruning", *map(str, given)]
    finished = subprocess.run(command, check=False)  # noqa: S603 - our own module
    if finished.returncode:
        raise CommandFailed("nothing was written", Exit.USAGE if finished.returncode == 2 else Exit.FAILED)
