"""A pruned model into a repository on the Hugging Face Hub, with the person's own token.

The files go through this machine: the token never reaches the service, which never writes to the Hub.
"""

from pathlib import Path

from cli.client.client import Client
from cli.commands.downloads import download_all
from cli.terminal import CommandFailed, Exit, clean, out

_CARD = "README.md"
_PLACEHOLDER = "<this directory>"


def publish(client: Client, source: str, repository: str, directory: Path, *, private: bool) -> str:
    """Download the files of a job or of a zoo's entry, and upload them as one commit. Returns its address."""
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise CommandFailed(
            "publishing needs the package huggingface_hub: pip install 'pruneserve[publish]'", Exit.USAGE
        ) from error
    hub = HfApi(library_name="pruneserve")
    try:
        # First, so that a name or a token that will not do is told before anything is downloaded.
        made = hub.create_repo(repository, private=private, exist_ok=True)
        download_all(client, source, directory)
        _name_in_card(directory / _CARD, made.repo_id)
        commit = hub.upload_folder(
            repo_id=made.repo_id, folder_path=directory, commit_message="Pruned with PruneServe"
        )
    except HFValidationError as error:
        raise CommandFailed(f"{repository!r} is no name of a repository: {error}", Exit.USAGE) from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            advice = "the Hub refuses this: set HF_TOKEN to a token that may write, or run `hf auth login`"
            raise CommandFailed(advice, Exit.USAGE) from error
        raise CommandFailed(f"the Hub refuses this: {error}", Exit.FAILED) from error
    except OSError as error:
        raise CommandFailed(f"the Hub cannot be reached: {error}", Exit.UNREACHABLE) from error
    out.print(f"published as {clean(commit.commit_url)}")
    return str(commit.commit_url)


def _name_in_card(card: Path, repository: str) -> None:
    """The card tells how to load the model from wherever it is; now that is known."""
    if card.exists():
        card.write_text(card.read_text(encoding="utf-8").replace(_PLACEHOLDER, repository), encoding="utf-8")
