"""The application in this process or as a server, with a database per test."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Thread

import pytest
import uvicorn
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from cli.embedded.process import LOOPBACK, free_port
from jobs.access import api_keys
from jobs.database import Database
from jobs.queue import waiting
from jobs.settings import Settings
from tests.api.drive import LLAMA, ClientOf, Jobs, MakeKey, Serve, Server, SweepRunner, report_of


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    return with_roots(settings, tmp_path)


def with_roots(settings: Settings, directory: Path) -> Settings:
    changes = {
        "model_roots": (Path("/srv/models"), directory / "models"),
        "data_roots": (Path("/srv/data"), directory / "data"),
        "allowed_hosts": ("testserver", LOOPBACK),
        "secret_keys": (SecretStr(Fernet.generate_key().decode()),),
    }
    return settings.model_copy(update=changes)


@pytest.fixture
def llama_config() -> Mapping[str, object]:
    return LLAMA


@pytest.fixture
def llama(tmp_path: Path, llama_config: Mapping[str, object]) -> str:
    """The path of a model of which the server reads the configuration."""
    directory = tmp_path / "models/llama"
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(llama_config))
    return str(directory)


@pytest.fixture(autouse=True)
def queues_are_read_for_each_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test changes in a queue is told at once, and not within a second."""
    monkeypatch.setattr(waiting, "QUEUE_CACHE_TTL", 0.0)


@pytest.fixture
def make_key(database: Database) -> MakeKey:
    def make(owner: str = "ada", scopes: Sequence[str] = api_keys.SCOPES) -> str:
        with database.begin() as session:
            return api_keys.create(session, owner, "test", scopes)[1]

    return make


@pytest.fixture
def anonymous(settings: Settings) -> Iterator[TestClient]:
    """A client without credentials. A mistake of ours answers 500, as it would outside."""
    with TestClient(create_app(settings), raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


@pytest.fixture
def client_of(anonymous: TestClient, make_key: MakeKey) -> ClientOf:
    def client_of(owner: str = "ada", scopes: Sequence[str] = api_keys.SCOPES) -> TestClient:
        client = TestClient(anonymous.app, raise_server_exceptions=False, follow_redirects=False)
        client.headers["Authorization"] = f"Bearer {make_key(owner, scopes)}"
        return client

    return client_of


@pytest.fixture
def client(client_of: ClientOf) -> TestClient:
    """A client with a key of the owner ada."""
    return client_of()


@pytest.fixture
def jobs(database: Database) -> Jobs:
    return Jobs(database)


@pytest.fixture
def runner(database: Database) -> SweepRunner:
    return SweepRunner(database, report_of)


@pytest.fixture
def server(settings: Settings, tmp_path: Path) -> Iterator[Server]:
    with Server.running(settings, tmp_path / "api.log") as server:
        yield server


@pytest.fixture
def serve(settings: Settings) -> Iterator[Serve]:
    """Serves the application in a thread. Returns the port."""
    servers: list[tuple[uvicorn.Server, Thread]] = []

    def start() -> int:
        port = free_port()
        config = uvicorn.Config(create_app(settings), port=port, http="h11", log_level="error")
        server = uvicorn.Server(config)
        thread = Thread(target=server.run)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.02)
        return port

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join()
