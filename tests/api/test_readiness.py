"""The probe `/readyz` compares the digest of the schema with the one that this version makes."""

import time
from types import SimpleNamespace

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

import api.readiness
import migrations
from api.app import create_app
from api.readiness import Readiness
from jobs.database import libpq_url
from jobs.settings import Settings


@pytest.fixture
def cache_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is remembered."""
    monkeypatch.setattr(Readiness, "cache_seconds", 0.0)


def mark_as(digest: str | None, url: str) -> None:
    """Let a schema be the one of this digest."""
    with psycopg.connect(libpq_url(url)) as connection:
        comment = "NULL" if digest is None else f"'{digest}'"
        connection.execute(f"COMMENT ON TABLE alembic_version IS {comment}")


@pytest.mark.usefixtures("cache_disabled")
@pytest.mark.parametrize("other", ["0" * 64, None])
def test_the_schema_of_another_version_is_not_ready(
    anonymous: TestClient, database_url: str, other: str | None
) -> None:
    assert anonymous.get("/readyz").json() == {"status": "ok"}
    mark_as(other, database_url)
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == (
        "The schema is that of another version of PruneServe. Run the migrations of this version, "
        "or use the version that made it."
    )
    assert anonymous.get("/healthz").json() == {"status": "ok"}


@pytest.mark.threat
@pytest.mark.usefixtures("cache_disabled")
@pytest.mark.parametrize("host", ["attacker.example:8000", "10.42.0.17", ""])
def test_a_foreign_host_gets_the_status_alone(anonymous: TestClient, database_url: str, host: str) -> None:
    """A page whose own name points to the service can read what its browser is answered."""
    foreign = {"Host": host}
    assert anonymous.get("/readyz", headers=foreign).json() == {"status": "ok"}
    mark_as(None, database_url)
    answer = anonymous.get("/readyz", headers=foreign)
    assert answer.status_code == 503
    assert "schema" not in answer.text
    assert "schema" in anonymous.get("/readyz").text


@pytest.mark.parametrize("prepare", ["", "CREATE TABLE alembic_version (version_num text)"])
def test_a_database_without_tables_is_not_ready(
    settings: Settings, empty_database_url: str, prepare: str
) -> None:
    with psycopg.connect(libpq_url(empty_database_url)) as connection:
        connection.execute(prepare or "SELECT")
    empty = settings.model_copy(update={"database_url": SecretStr(empty_database_url)})
    with TestClient(create_app(empty), raise_server_exceptions=False) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["detail"]) == (
        503,
        "The database has no tables. Run the migrations.",
    )


def test_a_good_answer_is_remembered_for_seconds_and_a_bad_one_not_at_all(
    anonymous: TestClient, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(api.readiness, "time", SimpleNamespace(monotonic=lambda: now))
    assert anonymous.get("/readyz").status_code == 200
    mark_as(None, database_url)
    now += Readiness.cache_seconds / 2
    assert {anonymous.get("/readyz").status_code for _ in range(20)} == {200}
    now += Readiness.cache_seconds / 4
    assert anonymous.get("/readyz").status_code == 200  # it is asked for meanwhile, and is bad
    while anonymous.get("/readyz").status_code == 200:
        time.sleep(0.05)
    mark_as(migrations.schema_digest(), database_url)
    assert anonymous.get("/readyz").status_code == 200
