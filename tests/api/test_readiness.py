"""The probe `/readyz` compares the revision of the schema with the one that this release needs."""

import re
import time
from pathlib import Path
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
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is remembered."""
    monkeypatch.setattr(Readiness, "remembered_seconds", 0.0)


def newest() -> str:
    """The highest number of a file in migrations/versions."""
    versions = Path(migrations.__file__).parent / "versions"
    return max(file.name[:4] for file in versions.glob("[0-9]*.py"))


def move_to(revision: str, url: str) -> None:
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", (revision,))


@pytest.mark.usefixtures("asked_each_time")
def test_the_newest_schema_and_a_later_one_are_ready_and_an_older_one_is_not(
    anonymous: TestClient, database_url: str
) -> None:
    ready = {"status": "ok", "database_revision": newest(), "release_revision": newest()}
    assert anonymous.get("/readyz").json() == ready
    move_to("9999", database_url)  # an upgrade has begun, and this process is of the release before
    assert anonymous.get("/readyz").json() == ready | {"database_revision": "9999"}
    move_to("0003", database_url)
    answer = anonymous.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == (
        f"The database is at revision 0003, and this release needs {newest()}. Run the migrations."
    )
    assert anonymous.get("/healthz").json() == {"status": "ok"}


@pytest.mark.threat
@pytest.mark.usefixtures("asked_each_time")
@pytest.mark.parametrize("host", ["attacker.example:8000", "10.42.0.17", ""])
def test_a_foreign_host_is_told_the_status_alone(anonymous: TestClient, database_url: str, host: str) -> None:
    """A page whose own name points to the service can read what its browser is answered."""
    foreign = {"Host": host}
    assert anonymous.get("/readyz", headers=foreign).json() == {"status": "ok"}
    assert anonymous.get("/readyz").json()["database_revision"] == newest()
    move_to("0003", database_url)
    answer = anonymous.get("/readyz", headers=foreign)
    assert answer.status_code == 503
    assert not {"0003", newest(), "migrations"} & set(re.findall(r"\w+", answer.text))
    assert "0003" in anonymous.get("/readyz").text


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
    move_to("0003", database_url)
    now += Readiness.remembered_seconds / 2
    assert {anonymous.get("/readyz").status_code for _ in range(20)} == {200}
    now += Readiness.remembered_seconds / 4
    assert anonymous.get("/readyz").status_code == 200  # it is asked for meanwhile, and is bad
    while anonymous.get("/readyz").status_code == 200:
        time.sleep(0.05)
    move_to(newest(), database_url)
    assert anonymous.get("/readyz").status_code == 200
