"""Clients of a server that answers as a test says, for threads and for event loops, and of the real API."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from jobs.access import api_keys
from jobs.database import Database
from jobs.settings import Settings
from pruneserve_client import AsyncClient, Client
from tests.api.drive import Server
from tests.scripted_server import ScriptedServer, scripted_server
from tests.tiers import nightly


class OnALoop:
    """An `AsyncClient` that a test calls as it calls `Client`."""

    def __init__(self, client: AsyncClient, loop: asyncio.AbstractEventLoop) -> None:
        self._client, self._loop = client, loop

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: object, **named: object) -> Any:
            result = getattr(self._client, name)(*arguments, **named)
            return self._loop.run_until_complete(result) if inspect.isawaitable(result) else self._all(result)

        return call

    def _all(self, items: AsyncIterator[object]) -> Iterator[object]:
        while (item := self._loop.run_until_complete(anext(items, self))) is not self:
            yield item


@contextmanager
def connected(kind: str, url: str, key: str) -> Iterator[Client]:
    """Yield a `Client`, or an `AsyncClient` that is called as one."""
    if kind == "Client":
        with Client(url, key) as client:
            yield client
        return
    with asyncio.Runner() as runner:
        on_a_loop = OnALoop(AsyncClient(url, key), runner.get_loop())
        yield cast("Client", on_a_loop)
        on_a_loop.close()


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


EACH_CLIENT = pytest.mark.parametrize("client", ["Client", "AsyncClient"], indirect=True)
"""Where both have code of their own, in `primitives.py`."""


# All other code of `Client` is generated from that of `AsyncClient`.
@pytest.fixture(params=[nightly("Client"), "AsyncClient"])
def client(
    request: pytest.FixtureRequest, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Client]:
    for package in ("synchronous", "asynchronous"):
        monkeypatch.setattr(f"pruneserve_client.{package}.client.POLL_SECONDS", 0.05)
    with connected(request.param, server.url, "ps_key") as client:
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
def api(request: pytest.FixtureRequest, account: Account) -> Iterator[Client]:
    """A client of a real API: a `Client`, unless a test asks for the other one."""
    with connected(getattr(request, "param", "Client"), *account) as client:
        yield client


@pytest.fixture
def job_id() -> UUID:
    return uuid4()
