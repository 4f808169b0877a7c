"""The database goes away and comes back under a running service."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

import migrations
from api.app import create_app
from api.problems.problems import ServiceUnavailable
from api.readiness import Readiness
from cli.embedded.postgres import Postgres
from jobs.settings import Settings
from tests.api.drive import SMALLEST


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with Postgres(tmp_path_factory.mktemp("own-postgres")) as server:
        migrations.upgrade(server.url)
        yield server


@pytest.fixture
def database_url(own_postgres: Postgres) -> str:
    return own_postgres.url


def test_without_its_database_the_service_answers_503_and_recovers(
    own_postgres: Postgres, client: TestClient
) -> None:
    before = client.post("/v1/jobs", json=SMALLEST)
    assert before.status_code == 201
    own_postgres.stop()

    for answer in (client.post("/v1/jobs", json=SMALLEST), client.get("/v1/jobs"), client.get("/readyz")):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert answer.json()["type"] == "urn:pruneserve:problem:unavailable"
        assert "127.0.0.1" not in answer.text
    assert client.get("/healthz").status_code == 200
    assert "Temporarily unavailable" in client.get("/sign-in?token=x").text

    own_postgres.start()
    assert client.get("/readyz").status_code == 200
    (job,) = client.get("/v1/jobs").json()["items"]
    assert job["id"] == before.json()["id"]


def test_a_database_without_tables_is_not_ready(settings: Settings, empty_database_url: str) -> None:
    empty = settings.model_copy(update={"database_url": type(settings.database_url)(empty_database_url)})
    with TestClient(create_app(empty)) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "migrations" in answer.json()["detail"]


def test_a_probe_does_not_wait_for_the_clean_up_of_a_query_that_never_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The query is a stand-in: of a server that is frozen, psycopg asks for ten seconds more to cancel it."""

    class NeverAnswered(Readiness):
        async def _ask(self) -> None:
            await asyncio.Event().wait()

    async def probe_twice() -> None:
        readiness = NeverAnswered("postgresql://127.0.0.1:9/nothing")
        for _ in range(2):
            with pytest.raises(ServiceUnavailable):
                await readiness.check()

    monkeypatch.setattr("api.readiness._SECONDS", 0.01)
    asyncio.run(asyncio.wait_for(probe_twice(), 60))
