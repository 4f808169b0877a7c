"""Fetches the uploads and gradient norms that a job names to the worker's disk."""

import shutil
from pathlib import Path

from sqlalchemy.orm import Session

from jobs.storage import uploads
from jobs.storage.errors import NotStored
from pruning.byte_size import byte_size
from pruning.errors import InvalidInput, PruningError
from worker.attempt.attempt import Attempt


def fetch_uploads(attempt: Attempt, directory: Path) -> None:
    """Download each file that the job names into `directory`, under the name that the library looks for.

    The name holds the content's digest, which the library verifies when it reads the file. Raises
    InvalidInput with the field of a file that has been deleted since the job was submitted, and PruningError
    for one that the disk has no room for.
    """
    directory.mkdir(exist_ok=True)

    def look_up(session: Session) -> list[uploads.Named]:
        return list(uploads.named(session, attempt.claim.owner, attempt.spec))

    for file in attempt.transaction(look_up):
        if file.own_name:
            attempt.upload_names[file.name] = file.own_name
        of_a_text = file.field != "gradients"
        if file.key is None:
            gone = "the uploaded text was deleted; upload it again and retry"
            raise InvalidInput(
                gone if of_a_text else "the gradient norms were deleted; submit the job again with others",
                field=file.field,
            )
        free = shutil.disk_usage(directory).free
        if file.size > free:  # not a fault of the worker, which would be tried elsewhere again and again
            raise PruningError(
                f"the file has {byte_size(file.size)}, and the worker's disk {byte_size(free)} free: free "
                "some space",
                field=file.field,
            )
        try:
            attempt.download(file.key, directory / file.name)
        except NotStored as error:
            what = "uploaded text is" if of_a_text else "gradient norms are"
            raise InvalidInput(f"the {what} no longer in the store", field=file.field) from error
