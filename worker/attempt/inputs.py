"""The uploads that a job names, fetched to the worker's disk."""

from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle.lifecycle import Claim
from jobs.spec.job import JobSpec
from jobs.storage import uploads
from jobs.storage.store import NotStored, Store, StoreUnreachable
from pruning.errors import InvalidInput
from worker.attempt.progress import JobProgress
from worker.retry import retry

_PATIENCE_SECONDS = 600.0


def fetch_uploads(
    database: sessionmaker[Session],
    store: Store,
    claim: Claim,
    spec: JobSpec,
    directory: Path,
    progress: JobProgress,
) -> None:
    """Put each upload of the job into `directory`, under the name by content that the library looks for.

    The library checks the content. Raises InvalidInput with the field of one that was deleted meanwhile.
    """
    directory.mkdir(exist_ok=True)

    def look_up() -> list[tuple[str, str, str | None]]:
        with database.begin() as session:
            named = uploads.named(session, claim.owner, spec)
            return [(field, name, upload.key if upload else None) for field, name, upload in named]

    found = retry(look_up, on=DATABASE_UNAVAILABLE, check=progress.check, timeout=_PATIENCE_SECONDS)
    for field, name, key in found:
        if key is None:
            raise InvalidInput("the uploaded text was deleted; upload it again and retry", field=field)
        try:
            retry(
                lambda key=key, name=name: store.download(key, directory / name),  # type: ignore[misc]
                on=(StoreUnreachable,),
                check=progress.check,
                timeout=_PATIENCE_SECONDS,
            )
        except NotStored as error:
            raise InvalidInput("the uploaded text is no longer in the store", field=field) from error
