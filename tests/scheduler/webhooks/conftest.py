"""An outbox of webhooks, and jobs that end."""

from collections.abc import Callable
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from jobs.database import Database
from jobs.lifecycle import owner_moves
from jobs.settings import Settings
from tests.conftest import Submit
from tests.scheduler.webhooks.outbox import Outbox


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"secret_keys": (SecretStr(Fernet.generate_key().decode()),), "webhook_allow": ("127.0.0.1",)}
    return settings.model_copy(update=changes)


@pytest.fixture
def outbox(database: Database, settings: Settings) -> Outbox:
    return Outbox(database, settings)


@pytest.fixture
def end(database: Database, submit: Submit) -> Callable[[], UUID]:
    """Cancels a job, which is the quickest end."""

    def cancelled() -> UUID:
        job_id = submit()
        with database.begin() as session:
            assert owner_moves.cancel(session, "ada", job_id)
        return job_id

    return cancelled
