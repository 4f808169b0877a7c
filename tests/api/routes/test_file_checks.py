"""A job that is certain to fail is refused when it is submitted, if its files can be read in time."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.actions import checks
from jobs.database import Database
from jobs.queue import backlog
from tests.api.drive import SMALLEST


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with a context of 512 tokens."""
    directory = tmp_path / "models" / "small"
    directory.mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    return directory


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that answers the API once the test is over."""
    over = threading.Event()
    faults = checks.faults

    def wait(*arguments: Any) -> Any:
        over.wait(30)
        return faults(*arguments)

    monkeypatch.setattr(checks, "faults", wait)
    yield
    over.set()


def test_a_job_that_is_certain_to_fail_is_refused_by_its_fields(
    client: TestClient, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    lines = tmp_path / "data" / "lines.jsonl"
    lines.write_text('{"title": "no text"}\n')
    long = {"dataset": str(lines), "sequence_length": 100_000}
    answer = client.post("/v1/jobs", json=SMALLEST | {"model": str(model), "calibration": long})
    assert answer.status_code == 422
    assert [(error["field"], error["message"]) for error in answer.json()["errors"]] == [
        ("calibration.sequence_length", "must be at most 512, the model's context"),
        ("calibration.dataset", "line 1: not an object with a string field 'text'"),
    ]
    gone = client.post("/v1/jobs", json=SMALLEST | {"model": str(model.parent / "gone")})
    assert [error["field"] for error in gone.json()["errors"]] == ["model.id"]
    assert "gone" not in gone.json()["errors"][0]["message"]
    assert client.get("/v1/jobs").json()["items"] == []
    good = client.post("/v1/jobs", json=SMALLEST | {"model": str(model)})
    assert good.status_code == 201


def test_a_repeated_request_returns_its_job_without_reading_files(client: TestClient, model: Path) -> None:
    (model.parent / "another").mkdir()
    key = {"Idempotency-Key": "once"}
    body = SMALLEST | {"model": str(model)}
    first = client.post("/v1/jobs", json=body, headers=key)
    (model / "config.json").unlink()
    again = client.post("/v1/jobs", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert client.post("/v1/jobs", json=body).status_code == 422


def claimable(database: Database) -> list[str]:
    with database.begin() as session:
        for job in backlog.unsized(session, 9):
            backlog.record_needs(session, job.job_id, None)
        found = backlog.next_jobs(session, "cpu", backlog.groups(session), 9)
        return [*map(str, found.jobs)]


@pytest.mark.threat
def test_what_a_slow_disk_keeps_is_left_to_the_worker(
    client: TestClient, model: Path, database: Database, slow_disk: None
) -> None:
    long = {"evaluation": {"dataset": "builtin", "sequence_length": 513}}
    answer = client.post("/v1/jobs", json=SMALLEST | {"model": str(model)} | long)
    assert answer.status_code == 201
    assert claimable(database) == [answer.json()["id"]]


@pytest.mark.threat
def test_no_response_reveals_the_hub_models_of_another_owner(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot = tmp_path / "cache" / "models--org--used" / "snapshots" / "main"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text(json.dumps({"max_position_embeddings": 512}))
    long = {"calibration": {"dataset": "builtin", "sequence_length": 100_000}}
    answers = [
        client.post("/v1/jobs", json=SMALLEST | {"model": model} | long) for model in ("org/used", "org/new")
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
