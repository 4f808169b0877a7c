"""`pruneserve publish`: upload a pruned model to the Hugging Face Hub, with the user's own token.

The files pass through this machine. The token never reaches the service, which never writes to the Hub.
"""

from pathlib import Path

from cli.commands.downloads import download_all
from cli.terminal import CommandFailed, Exit, clean, out
from pruneserve_client import Client

_CARD = "README.md"
_PLACEHOLDER = "<this directory>"


def publish(client: Client, source: str, repository: str, directory: Path, *, private: bool) -> str:
    """Download the files of a job or zoo entry, upload them as one commit, and return the commit's URL."""
    try:
        from huggingface_hub import HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError
    except ImportError as error:
        raise CommandFailed(
            "publishing needs huggingface_hub: install PruneServe with its extra `publish`", Exit.USAGE
        ) from error
    hub = HfApi(library_name="pruneserve")
    try:
        # First, so that a bad name or token fails before anything is downloaded.
        created = hub.create_repo(repository, private=private, exist_ok=True)
        download_all(client, source, directory)
        _name_in_card(directory / _CARD, created.repo_id)
        commit = hub.upload_folder(
            repo_id=created.repo_id, folder_path=directory, commit_message="Pruned with PruneServe"
        )
    except HFValidationError as error:
        raise CommandFailed(f"{repository!r} is not the name of a repository: {error}", Exit.USAGE) from error
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            advice = "the Hub rejects the token: set HF_TOKEN to one that may write, or run `hf auth login`"
            raise CommandFailed(advice, Exit.USAGE) from error
        raise CommandFailed(f"the Hub rejects the upload: {error}", Exit.FAILED) from error
    except OSError as error:
        raise CommandFailed(f"the Hub cannot be reached: {error}", Exit.UNREACHABLE) from error
    out.print(f"published as {clean(commit.commit_url)}")
    return str(commit.commit_url)


def _name_in_card(card: Path, repository: str) -> None:
    """Put the repository's name into the code of the card that loads the model."""
    if card.exists():
        card.write_text(card.read_text(encoding="utf-8").replace(_PLACEHOLDER, repository), encoding="utf-8")
