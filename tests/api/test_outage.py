"""The database goes away, or hangs, and comes back under a running service."""

import asyncio
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, exc, text

import jobs.database
import migrations
from api.problems.catalogue import ServiceUnavailable
from api.readiness import Readiness
from cli.embedded.postgres import Postgres
from jobs.database import engine_for_requests, engine_from
from jobs.settings import Settings
from tests.api.drive import SMALLEST


class TestOnItsOwnServer:
    @pytest.fixture
    def own_postgres(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
        with Postgres(tmp_path_factory.mktemp("own-postgres")) as server:
            migrations.upgrade(server.url)
            yield server

    @pytest.fixture
    def database_url(self, own_postgres: Postgres) -> str:
        return own_postgres.url

    def test_without_its_database_the_service_answers_503_and_recovers(
        self, own_postgres: Postgres, client: TestClient
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


@pytest.fixture
def requests(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """What requests ask, in a hurry."""
    monkeypatch.setattr(jobs.database, "STATEMENT_SECONDS", 1)
    engine = engine_for_requests(settings)
    yield engine
    engine.dispose()


@pytest.mark.threat
def test_a_statement_of_a_request_is_cancelled_by_the_server(requests: Engine) -> None:
    with requests.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "1s"
        with pytest.raises(exc.OperationalError, match="statement timeout"):
            connection.execute(text("SELECT pg_sleep(600)"))
        connection.rollback()
        assert connection.scalar(text("SELECT 1")) == 1  # on the same connection


@pytest.fixture
def others(settings: Settings) -> Iterator[Engine]:
    """Asks the same server beside `requests`."""
    engine = engine_from(settings)
    yield engine
    engine.dispose()


def used_connection(engine: Engine) -> int:
    """Use a connection of the pool, give it back, and return the id of its process."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


@pytest.mark.threat
def test_a_connection_that_the_server_ends_while_it_is_kept_costs_no_error(
    requests: Engine, others: Engine
) -> None:
    pid = used_connection(requests)
    with others.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 20000)"), {"pid": pid})
    assert used_connection(requests) != pid


def test_a_probe_does_not_wait_for_the_clean_up_of_a_query_that_never_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The query is a stand-in: of a server that is frozen, psycopg asks for ten seconds more to cancel it."""

    class NeverAnswered(Readiness):
        async def _check_database(self) -> None:
            await asyncio.Event().wait()

    async def probe_twice() -> None:
        readiness = NeverAnswered("postgresql://127.0.0.1:9/nothing", ["2", "1"])
        for _ in range(2):
            with pytest.raises(ServiceUnavailable):
                await readiness.check()

    monkeypatch.setattr("api.readiness._TIMEOUT_SECONDS", 0.01)
    asyncio.run(asyncio.wait_for(probe_twice(), 60))
