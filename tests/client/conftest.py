"""Clients of a server that answers as a test says, and of the real API."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from jobs.access import api_keys
from jobs.database import Database
from jobs.settings import Settings
from pruneserve_client import Client
from tests.api.drive import Server
from tests.scripted_server import ScriptedServer, scripted_server


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture
def client(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr("pruneserve_client.client.POLL_SECONDS", 0.05)
    with Client(server.url, "ps_key") as client:
        yield client


class Account(NamedTuple):
    """What a client is made of."""

    url: str
    key: str


@pytest.fixture
def account(settings: Settings, database: Database, tmp_path: Path) -> Iterator[Account]:
    """A real API, with a key of ada's."""
    keys = {"secret_keys": (SecretStr(Fernet.generate_key().decode()),)}
    with database.begin() as session:
        key = api_keys.create(session, "ada", "test")[1]
    with Server.running(settings.model_copy(update=keys), tmp_path / "api.log") as server:
        yield Account(server.url, key)


@pytest.fixture
def api(account: Account) -> Iterator[Client]:
    with Client(*account) as client:
        yield client


@pytest.fixture
def job_id() -> UUID:
    return uuid4()
