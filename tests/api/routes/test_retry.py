"""Retrying failed jobs, full queues, expired files."""

from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import delete, func, update

from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.tables import Artifact, Job
from tests.api.drive import SMALLEST, ClientOf, Jobs


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A short queue."""
    return settings.model_copy(update={"max_queued_jobs": 2})


def test_a_failed_job_is_queued_again(client: TestClient, client_of: ClientOf, jobs: Jobs) -> None:
    claim = jobs.running()
    path = f"/v1/jobs/{claim.job_id}/retry"
    refused = client.post(path)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:pruneserve:problem:not-retriable")
    assert "running" in refused.json()["detail"]
    jobs.fail(claim, "no")
    assert client_of("bob").post(path).status_code == 404
    answer = client.post(path)
    assert (answer.status_code, answer.json()["state"], answer.json()["error"]) == (200, "queued", None)
    assert client.post(path).status_code == 409
    assert client.post(f"/v1/jobs/{uuid4()}/retry").status_code == 404


def test_a_full_queue_answers_with_the_number_and_the_limit(client: TestClient, jobs: Jobs) -> None:
    first = client.post("/v1/jobs", json=SMALLEST, headers={"Idempotency-Key": "one"})
    cancelled = jobs.queued()
    assert client.post(f"/v1/jobs/{cancelled}/cancel").status_code == 200
    jobs.queued()
    for answer in (client.post("/v1/jobs", json=SMALLEST), client.post(f"/v1/jobs/{cancelled}/retry")):
        assert (answer.status_code, answer.json()["type"]) == (429, "urn:pruneserve:problem:queue-full")
        assert "You have 2 queued jobs; the limit is 2." in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) > 0
    queued = first.json()["id"]
    assert client.post(f"/v1/jobs/{queued}/retry").status_code == 409
    assert client.post(f"/v1/jobs/{uuid4()}/retry").status_code == 404
    repeated = client.post("/v1/jobs", json=SMALLEST, headers={"Idempotency-Key": "one"})
    assert (repeated.status_code, repeated.json()["id"]) == (200, first.json()["id"])


def test_a_sweep_of_more_jobs_than_may_be_queued_is_not_told_to_wait(client: TestClient, jobs: Jobs) -> None:
    def answered(*sparsities: float) -> Response:
        request = {"job": {"model": "org/name", "method": "wanda"}, "vary": {"sparsity": sparsities}}
        return client.post("/v1/sweeps", json=request)

    refused = answered(0.3, 0.5, 0.7)
    assert (refused.status_code, "Retry-After" in refused.headers) == (422, False)
    message = "makes 3 jobs, and you may have 2 queued: submit fewer"
    assert refused.json()["errors"] == [{"field": "vary", "message": message}]
    jobs.queued()
    full = answered(0.3, 0.5)
    assert (full.status_code, "Retry-After" in full.headers) == (429, True)
    assert "You have 1 queued jobs, and this has 2; the limit is 2." in full.json()["detail"]


def test_an_expired_file_answers_410(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim, [FinishedArtifact("model.safetensors", "jobs/x", 10, "00" * 32)])
    path = f"/v1/jobs/{claim.job_id}/artifacts"
    (item,) = client.get(path).json()["items"]
    with jobs.database.begin() as session:
        session.execute(delete(Artifact))
        session.execute(update(Job).values(artifacts_expired_at=func.now()))
    answer = client.get(item["url"])
    assert (answer.status_code, answer.json()["type"]) == (410, "urn:pruneserve:problem:artifacts-expired")
    assert client.get(path).json() == {"items": []}
    assert client.get(f"/v1/jobs/{claim.job_id}").json()["artifacts_expired_at"] is not None
