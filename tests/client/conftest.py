"""A client of a server that answers as a test says."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from pruneserve_client import Client
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


@pytest.fixture
def job_id() -> UUID:
    return uuid4()
