"""Deleting jobs, and what an owner has stored."""

from uuid import uuid4

from fastapi.testclient import TestClient

from jobs.lifecycle.lifecycle import FinishedArtifact
from tests.api.drive import ORIGIN, ClientOf, Jobs

NOT_DELETABLE = "urn:pruneserve:problem:not-deletable"


def test_an_ended_job_is_deleted_once_by_its_owner(
    client: TestClient, client_of: ClientOf, jobs: Jobs
) -> None:
    claim = jobs.running()
    path = f"/v1/jobs/{claim.job_id}"
    refused = client.delete(path)
    assert (refused.status_code, refused.json()["type"]) == (409, NOT_DELETABLE)
    assert refused.json()["detail"] == "The job is running. Cancel it first."
    jobs.succeed(claim, [FinishedArtifact("model.safetensors", "jobs/x", 10, "00" * 32)])
    stored = client.get("/v1/storage").json()
    assert (stored["artifact_bytes"], stored["total_bytes"]) == (10, 10)
    assert client_of("bob").get("/v1/storage").json()["total_bytes"] == 0

    assert client_of("bob").delete(path).status_code == 404
    assert client_of(scopes=["jobs:read"]).delete(path).status_code == 403
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert client.delete(path).status_code == 404
    assert client.delete(f"/v1/jobs/{uuid4()}").status_code == 404
    assert client.get("/v1/jobs").json()["items"] == []
    assert client.get("/v1/storage").json()["total_bytes"] == 0


def test_a_job_that_is_cancelling_is_not_to_be_cancelled_again(client: TestClient, jobs: Jobs) -> None:
    path = f"/v1/jobs/{jobs.running().job_id}"
    client.post(f"{path}/cancel").raise_for_status()
    assert client.delete(path).json()["detail"] == "The job is cancelling. Wait for its end."


def test_a_job_in_the_zoo_stays(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim, [])
    answer = client.post("/v1/zoo", json={"job_id": str(claim.job_id), "note": "for the test"})
    assert answer.status_code == 201
    refused = client.delete(f"/v1/jobs/{claim.job_id}")
    assert (refused.status_code, refused.json()["type"]) == (409, NOT_DELETABLE)
    assert answer.json()["slug"] in refused.json()["detail"]
    assert client.get(f"/v1/jobs/{claim.job_id}").status_code == 200


def test_the_page_asks_and_then_deletes(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    path = f"/jobs/{claim.job_id}"
    assert "Delete job" not in client.get(path).text
    asked_too_early = client.post(f"{path}/delete", headers=ORIGIN)
    assert (asked_too_early.status_code, asked_too_early.headers["Location"]) == (303, path)
    jobs.fail(claim, "no")
    assert "Yes, delete it" in client.get(path).text
    deleted = client.post(f"{path}/delete", headers=ORIGIN)
    assert (deleted.status_code, deleted.headers["Location"]) == (303, "/jobs")
    assert client.get(f"/v1/jobs/{claim.job_id}").status_code == 404
