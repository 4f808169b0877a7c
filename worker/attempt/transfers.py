"""Database and store from within a running attempt: both are waited for, and it may be stopped meanwhile."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE
from jobs.storage.store import NotStored, Store, StoredFile, StoreUnreachable
from worker.attempt.progress import JobProgress
from worker.retry import retry

_STORE_PATIENCE_SECONDS = 600.0

Result = TypeVar("Result")


def in_database(
    database: sessionmaker[Session], progress: JobProgress, action: Callable[[Session], Result]
) -> Result:
    """The action in a transaction of its own, however long the database is away. May raise a `Stopped`."""

    def act() -> Result:
        with database.begin() as session:
            return action(session)

    return retry(act, on=DATABASE_UNAVAILABLE, check=progress.check)


def put_file(store: Store, key: str, path: Path, progress: JobProgress) -> StoredFile:
    """Upload a file. Raises `StoreError` where waiting does not help, and a `Stopped` even half-way."""
    return _with_store(progress, lambda: store.put_file(key, path, on_bytes=lambda _: progress.check()))


def fetch(store: Store, key: str, path: Path, sha256: str, progress: JobProgress) -> Path | None:
    """The file on this machine; None where the store has another than `sha256` names, or none."""
    try:
        fetched = _with_store(
            progress, lambda: store.download(key, path, on_bytes=lambda _: progress.check())
        )
    except NotStored:
        return None
    return path if fetched.sha256 == sha256 else None


def _with_store(progress: JobProgress, action: Callable[[], Result]) -> Result:
    return retry(action, on=(StoreUnreachable,), check=progress.check, timeout=_STORE_PATIENCE_SECONDS)
