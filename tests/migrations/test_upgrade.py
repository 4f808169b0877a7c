"""The database of each release, a dump by `write_released.py`, is migrated to this version and read by it."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

import migrations
from api.app import create_app
from cli.embedded.postgres import _binary as postgres_program
from jobs.access import api_keys
from jobs.database import Database, libpq_url
from jobs.settings import Settings
from tests.migrations.test_migrations import described
from tests.migrations.write_released import RELEASED, SECRET_KEY, run

RELEASES = sorted(RELEASED.glob("*.sql"))
Rows = dict[str, tuple[object, ...]]

LISTS = {
    "jobs": "SELECT id::text, state, pruned_perplexity FROM jobs WHERE owner = 'ada'",
    "sweeps": "SELECT id::text, state FROM sweeps",
    "uploads": "SELECT id::text FROM uploads",
    "webhooks": "SELECT id::text FROM webhook_endpoints",
    "zoo": "SELECT slug FROM zoo_entries",
}
"""What the API lists, and what 0.1.0 has in its tables."""


@pytest.fixture(params=RELEASES, ids=lambda release: release.stem)
def released_url(request: pytest.FixtureRequest, empty_database_url: str) -> str:
    """A database of a release."""
    psql = [postgres_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    run([*psql, f"--file={request.param}", libpq_url(empty_database_url)])
    return empty_database_url


@pytest.fixture
def stored(released_url: str) -> dict[str, Rows]:
    """What is in the tables before the migrations, read by SQL."""
    with psycopg.connect(libpq_url(released_url)) as connection:
        rows = {name: connection.execute(query).fetchall() for name, query in LISTS.items()}
    return {name: {row[0]: row[1:] for row in found} for name, found in rows.items()}


@pytest.fixture
def database_url(released_url: str) -> str:
    """The database of a release, at the newest revision."""
    migrations.upgrade(released_url)
    return released_url


@pytest.fixture
def ada(settings: Settings, database: Database) -> Iterator[TestClient]:
    """The API of this version, with a key of an owner who has jobs in the database."""
    changes = {"secret_keys": (SecretStr(SECRET_KEY),), "allowed_hosts": ("testserver",)}
    with database.begin() as session:
        key = api_keys.create(session, "ada", "test")[1]
    with TestClient(create_app(settings.model_copy(update=changes))) as client:
        client.headers["Authorization"] = f"Bearer {key}"
        yield client


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.stem)
def test_a_released_revision_is_not_edited(release: Path) -> None:
    dump = release.read_text()
    (digest,) = re.findall(r"COMMENT ON TABLE public.alembic_version IS '(\w+)'", dump)
    (revision,) = re.findall(r"COPY public.alembic_version .*\n(\d+)\n", dump)
    assert migrations.schema_digest(revision) == digest, (
        f"{release.stem} has released the revisions up to {revision}: add one, edit none (CONTRIBUTING.md)"
    )


def test_an_upgraded_database_has_the_schema_of_a_new_one(database_url: str, postgres_url: str) -> None:
    assert described(database_url) == described(postgres_url)


def test_the_api_lists_and_shows_what_a_release_has_stored(stored: dict[str, Rows], ada: TestClient) -> None:
    for name, rows in stored.items():
        assert rows
        items = ada.get(f"/v1/{name}").json()["items"]
        assert {item["slug" if name == "zoo" else "id"] for item in items} == set(rows)
    for identifier, row in stored["jobs"].items():
        job = ada.get(f"/v1/jobs/{identifier}").json()
        assert (job["state"], (job["perplexity"] or {}).get("pruned")) == row
    for identifier, row in stored["sweeps"].items():
        assert (ada.get(f"/v1/sweeps/{identifier}").json()["state"],) == row
    for identifier in stored["zoo"]:
        assert ada.get(f"/v1/zoo/{identifier}").is_success
    for identifier in stored["webhooks"]:
        assert ada.get(f"/v1/webhooks/{identifier}/deliveries").json()["items"]
    for path in ("audit", "keys", "shares", "queues", "storage", "workers"):
        assert ada.get(f"/v1/{path}").is_success, path


def test_events_and_artifacts_of_a_release_are_read(stored: dict[str, Rows], ada: TestClient) -> None:
    for identifier, (state, _) in stored["jobs"].items():
        assert (ada.get(f"/v1/jobs/{identifier}/artifacts").json()["items"] != []) == (state == "succeeded")
        if state != "running":
            assert f'"state":"{state}"' in ada.get(f"/v1/jobs/{identifier}/events").text


def test_the_page_shows_what_a_release_has_stored(stored: dict[str, Rows], ada: TestClient) -> None:
    key = ada.headers.pop("Authorization").removeprefix("Bearer ")
    ada.post("/sign-in", data={"key": key, "next": "/jobs"}, headers={"Origin": "http://testserver"})
    for name in ("jobs", "sweeps", "zoo"):
        for identifier in stored[name]:
            assert ada.get(f"/{name}/{identifier}").is_success
