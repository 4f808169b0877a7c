"""Gradient jobs over the real API, run by a real worker in this process, and jobs that use their norms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete

from api.app import create_app
from jobs.access import api_keys
from jobs.database import Database
from jobs.lifecycle import events
from jobs.lifecycle.events import StageFinished
from jobs.queue import backlog
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import CachedGradients, Job
from tests.jobs.queue.fleet import register
from worker.identity import Identity
from worker.run_job import run_next


@pytest.fixture
def settings(settings: Settings, small_model: Path, calibration: Path) -> Settings:
    roots = {"model_roots": (small_model.parent,), "data_roots": (calibration.parent,)}
    settings.work_dir.mkdir()
    return settings.model_copy(update=roots | {"device": "cpu", "allowed_hosts": ("testserver",)})


class Jobs:
    """Submits jobs over REST, and runs each to its end."""

    def __init__(self, client: TestClient, database: Database, settings: Settings) -> None:
        self.client, self.database, self.settings = client, database, settings

    def ended(self, path: str, body: dict[str, Any]) -> Job:
        submitted = self.client.post(path, json=body)
        assert submitted.status_code == 201, submitted.text
        worker = Identity.new()
        with self.database.begin() as session:
            register(session, worker.name)
            backlog.record_needs(session, UUID(submitted.json()["id"]), None)
        run_next(self.settings, worker, "task")
        worker.remove_directory()
        with self.database.begin() as session:
            return session.get_one(Job, UUID(submitted.json()["id"]))

    def succeeded(self, path: str, body: dict[str, Any]) -> UUID:
        job = self.ended(path, body)
        assert job.state == JobState.SUCCEEDED, job.error
        return job.id

    def stages(self, job_id: UUID) -> list[str]:
        with self.database.begin() as session:
            recorded = events.events_since(session, job_id, 0)
        return [event.data.stage for event in recorded if isinstance(event.data, StageFinished)]

    def file(self, job_id: UUID, name: str) -> bytes:
        items = self.client.get(f"/v1/jobs/{job_id}/artifacts").json()["items"]
        (url,) = [item["url"] for item in items if item["name"] == name]
        return self.client.get(url).content


@pytest.fixture
def jobs(database: Database, settings: Settings) -> Iterator[Jobs]:
    with TestClient(create_app(settings)) as client:
        with database.begin() as session:
            client.headers["Authorization"] = f"Bearer {api_keys.create(session, 'ada', 'test')[1]}"
        yield Jobs(client, database, settings)


@pytest.fixture
def request_body(small_model: Path, calibration: Path) -> dict[str, Any]:
    drawn = {"dataset": str(calibration), "samples": 4, "sequence_length": 32}
    return {"model": str(small_model), "calibration": drawn}


def test_norms_of_a_gradient_job_give_the_masks_of_a_direct_job(
    jobs: Jobs, request_body: dict[str, Any]
) -> None:
    evaluation = {"dataset": "builtin", "sequence_length": 32, "windows": 2}
    method = {"name": "gblm", "norm": "l2"}
    prune = request_body | {"method": method, "sparsity": 0.5, "evaluation": evaluation, "save_masks": True}

    kept = jobs.succeeded("/v1/jobs", request_body | {"norms": ["l1", "l2"]})
    assert jobs.stages(kept) == ["resolve", "gradients", "upload"]
    by_id = jobs.succeeded("/v1/jobs", prune | {"gradients": f"gradient:{kept}"})
    assert jobs.stages(by_id) == ["resolve", "prune", "evaluate", "upload"]

    (file,) = jobs.client.get(f"/v1/jobs/{kept}/artifacts").json()["items"]
    content = jobs.client.get(file["url"]).content
    kind = {"Content-Type": "application/x-safetensors"}
    brought = jobs.client.post("/v1/uploads?name=mine", content=content, headers=kind).json()["dataset"]
    assert jobs.client.delete(f"/v1/jobs/{kept}").status_code == 204
    by_upload = jobs.succeeded("/v1/jobs", prune | {"gradients": brought})

    with jobs.database.begin() as session:
        session.execute(delete(CachedGradients))  # so that the direct job computes its own
    direct = jobs.succeeded("/v1/jobs", prune)
    assert jobs.stages(direct) == ["resolve", "gradients", "prune", "evaluate", "upload"]
    for name in ("masks.safetensors", "model.safetensors"):
        expected = jobs.file(direct, name)
        assert jobs.file(by_id, name) == expected
        assert jobs.file(by_upload, name) == expected


def test_norms_over_the_quota_are_not_computed(jobs: Jobs, request_body: dict[str, Any]) -> None:
    jobs.settings = jobs.settings.model_copy(update={"quota_bytes": 1000})
    job = jobs.ended("/v1/jobs", request_body | {"norms": ["l1"]})
    assert job.error is not None
    assert (job.state, job.error["field"]) == (JobState.FAILED, "norms")
    assert "of the 1 kB" in job.error["message"]
