"""Retention rounds on a real database and a store in a directory."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from jobs import limits
from jobs.database import Database
from jobs.settings import Settings
from jobs.storage.store import Store, attempt_prefix
from scheduler.retention import Retention


@pytest.fixture(autouse=True)
def orphaned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ORPHANED_FILE_SECONDS", 0.0)


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store(settings.store_url)


@pytest.fixture
def retention(settings: Settings, database: Database, store: Store) -> Retention:
    return Retention(database, settings.model_copy(update={"artifact_retention_days": 30.0}), store)


@pytest.fixture
def put(store: Store, tmp_path: Path) -> Callable[[UUID, int, str], str]:
    """Stores a file of an attempt and returns its key."""
    path = tmp_path / "file"
    path.write_bytes(b"bytes")

    def put(job_id: UUID, attempt: int, name: str) -> str:
        return store.put_file(f"{attempt_prefix(job_id, attempt)}/{name}", path).key

    return put
