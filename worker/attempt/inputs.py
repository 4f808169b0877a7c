"""Fetches the uploads that a job names to the worker's disk."""

from pathlib import Path

from sqlalchemy.orm import Session

from jobs.storage import uploads
from jobs.storage.store import NotStored
from pruning.errors import InvalidInput
from worker.attempt.attempt import Attempt


def fetch_uploads(attempt: Attempt, directory: Path) -> None:
    """Download each upload that the job names into `directory`, under the name that the library looks for.

    The name holds the content's digest, which the library verifies when it reads the file. Raises
    InvalidInput with the field of an upload that has been deleted since the job was submitted.
    """
    directory.mkdir(exist_ok=True)

    def look_up(session: Session) -> list[tuple[str, str, str | None, str]]:
        named = uploads.named(session, attempt.claim.owner, attempt.spec)
        return [
            (field, name, upload.key if upload else None, upload.name if upload else "")
            for field, name, upload in named
        ]

    for field, name, key, own_name in attempt.transaction(look_up):
        if own_name:
            attempt.upload_names[name] = own_name
        if key is None:
            raise InvalidInput("the uploaded text was deleted; upload it again and retry", field=field)
        try:
            attempt.download(key, directory / name)
        except NotStored as error:
            raise InvalidInput("the uploaded text is no longer in the store", field=field) from error
