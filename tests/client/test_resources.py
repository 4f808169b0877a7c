"""The client's methods for uploads, webhooks, the zoo and lists, against the real API."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine

from jobs.access import api_keys
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from pruneserve_client import Client, NotFound
from tests.api.conftest import with_roots
from tests.api.drive import Jobs, Server
from tests.claims import take
from tests.conftest import emptied, new_database, settings_of


# An API takes seconds to start. These tests share one, and its database, which is emptied for each.
@pytest.fixture(scope="module")
def settings(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory = tmp_path_factory.mktemp("service")
    with new_database(postgres_url, template="pruneserve") as url:
        yield with_roots(settings_of(url, directory), directory)


@pytest.fixture
def database(engine: Engine) -> Database:
    return emptied(engine)


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server.running(settings, tmp_path_factory.mktemp("api") / "api.log") as server:
        yield server


@pytest.fixture
def api(server: Server, database: Database) -> Iterator[Client]:
    """A client with a key of ada's."""
    with database.begin() as session:
        key = api_keys.create(session, "ada", "test")[1]
    with Client(server.url, key) as client:
        yield client


# It comes first, because nothing empties the audit log.
def test_who_asks_and_what_there_is(api: Client) -> None:
    assert (api.me().owner, "gblm" in {method.name for method in api.methods()}) == ("ada", True)
    (key,) = api.keys()
    assert key.id == api.me().key_id
    assert list(api.audit_records()) == []
    assert api.workers() == []


def test_uploads(api: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tmp_path / "lines.jsonl"
    text.write_text('{"text": "one"}\n')
    upload = api.upload(text)
    assert (upload.name, upload.format) == ("lines.jsonl", "jsonl")
    assert upload.sha256 == hashlib.sha256(text.read_bytes()).hexdigest()
    assert api.upload(text).id == upload.id
    made = [upload.id, *(api.upload(str(number).encode(), name="n").id for number in range(4))]
    monkeypatch.setattr("pruneserve_client.resources.PAGE", 2)
    assert [each.id for each in api.uploads()] == made[::-1]
    api.delete_upload(upload.id)
    with pytest.raises(NotFound):
        api.delete_upload(upload.id)


def test_webhooks(api: Client) -> None:
    made = api.create_webhook({"url": "https://hooks.example.org/a", "events": ["job.failed"]})
    changed = api.change_webhook(made.id, {"events": ["job.succeeded"]})
    assert changed.events == api.webhook(made.id).events == ["job.succeeded"]
    sent = api.send_test_message(made.id)
    assert [each.id for each in api.webhook_deliveries(made.id)] == [sent.id]
    assert api.replay_webhook_delivery(made.id, sent.id).id == sent.id
    assert [each.id for each in api.webhooks()] == [made.id]
    api.delete_webhook(made.id)
    assert list(api.webhooks()) == []


def test_jobs_again_and_by_date(api: Client) -> None:
    first = api.submit({"model": "org/name", "method": "gblm", "sparsity": 0.5})
    again = api.submit(first.spec)
    assert again.spec == first.spec
    now, hour = datetime.now(UTC), timedelta(hours=1)
    assert next(api.jobs(since=now - hour, until=now + hour, order="oldest", search="NAME")).id == first.id
    assert list(api.jobs(since=now + hour)) == []
    api.cancel(again.id)
    api.delete(again.id)
    assert again.id not in {job.id for job in api.jobs()}
    assert api.storage().total_bytes == 0


def test_sweeps_and_the_zoo(api: Client, database: Database) -> None:
    request = {"job": {"model": "org/name", "method": "gblm"}, "vary": {"sparsity": [0.3, 0.4]}}
    sweep = api.submit_sweep(request)
    assert [each.id for each in api.sweeps()] == [sweep.id]
    job_id = sweep.jobs[0].id
    file = FinishedArtifact("config.json", "jobs/1/config.json", 2, "ab" * 32)
    Jobs(database).succeed(_claimed(database, job_id), [file])
    entry = api.promote({"job_id": str(job_id), "note": "small"})
    assert [each.slug for each in api.zoo(search="NAME", method="gblm")] == [entry.slug]
    assert api.zoo_entry(entry.slug).note == "small"
    api.withdraw(entry.slug)
    assert list(api.zoo()) == []


def _claimed(database: Database, job_id: UUID) -> lifecycle.Claim:
    return take(database, job_id, "w1", 3000)
