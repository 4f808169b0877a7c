"""Attempts whose heartbeat does not beat by itself."""

from collections.abc import Callable

import pytest

from jobs import limits
from jobs.database import Database
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.storage.store import Store
from worker.attempt.attempt import Attempt
from worker.attempt.heartbeat import Heartbeat
from worker.identity import Identity


@pytest.fixture
def attempt_of(
    database: Database, settings: Settings, worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Attempt]:
    """Makes the attempt of a claim, with these changes to the settings."""
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 0)

    def make(claim: Claim, **changes: object) -> Attempt:
        changed = settings.model_copy(update=changes)
        heartbeat = Heartbeat(database, claim, claimed_at=float("inf"))
        store = Store(changed.store_url)
        return Attempt(claim, heartbeat, settings=changed, worker=worker, database=database, store=store)

    return make
