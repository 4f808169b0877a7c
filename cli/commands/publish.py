"""`pruneserve publish`: upload a pruned model to the Hugging Face Hub, with the user's own token.

The files pass through this machine. The token never reaches the service, which never writes to the Hub.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from cli.commands.downloads import Source, download_all
from cli.options.connection import connected
from cli.terminal import CommandFailed, Exit, clean, out
from pruneserve_client import Client

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
    """Upload a pruned model with its card to the Hugging Face Hub, with your own token.

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
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise CommandFailed(
            "publishing needs huggingface_hub: pip install 'huggingface-hub>=1.0'", Exit.USAGE
        ) from error
    hub = HfApi(library_name="pruneserve")
    # First, so that a bad name or token fails before anything is downloaded.
    with _hub_errors(repository):
        created = hub.create_repo(repository, private=private, exist_ok=True)
    download_all(client, source, directory)
    _name_in_card(directory / _CARD, created.repo_id)
    if base_model is not None:
        _base_in_card(directory / _CARD, base_model)
    with _hub_errors(repository):
        commit = hub.upload_folder(
            repo_id=created.repo_id, folder_path=directory, commit_message="Pruned with PruneServe"
        )
    out.print(f"published as {clean(commit.commit_url)}")
    return str(commit.commit_url)


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
    except Exception as error:
        # Each library down to the network has errors of its own, without a common base class.
        raise CommandFailed(f"the Hub cannot be reached: {error}", Exit.UNREACHABLE) from error


def _name_in_card(card: Path, repository: str) -> None:
    """Put the repository's name into the code of the card that loads the model."""
    if not card.exists():
        return
    text = card.read_text(encoding="utf-8").replace(_PLACEHOLDER, repository)
    try:
        card.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandFailed(f"cannot write to {card.parent}: {error}", Exit.USAGE) from error


def _base_in_card(card: Path, base_model: str) -> None:
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
