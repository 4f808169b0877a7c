import base64
import hashlib
import os
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store, attempt_prefix
from tests.api.drive import Jobs

CONTENT = os.urandom(3_000_000)


@pytest.fixture
def settings(settings: Settings, store_url: str) -> Settings:
    """Every test here runs with a directory and with S3."""
    return settings.model_copy(update={"store_url": store_url})


def published(jobs: Jobs, settings: Settings, directory: Path, name: str) -> str:
    """A succeeded job with one artifact; the job's path."""
    claim = jobs.running()
    path = directory / "artifact"
    path.write_bytes(CONTENT)
    stored = Store(settings.store_url).put_file(f"{attempt_prefix(claim.job_id, 1)}/file", path)
    jobs.succeed(claim, [FinishedArtifact(name, stored.key, stored.size, stored.sha256)])
    return f"/v1/jobs/{claim.job_id}/artifacts"


def test_an_artifact_downloads_as_it_was_stored(
    client: TestClient, jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    path = published(jobs, settings, tmp_path, "model.safetensors")
    (item,) = client.get(path).json()["items"]
    digest = hashlib.sha256(CONTENT).digest()
    assert (item["name"], item["size"], item["sha256"]) == ("model.safetensors", len(CONTENT), digest.hex())

    answer = client.get(item["url"])
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''model.safetensors"
    assert answer.headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"

    again = client.get(item["url"], headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_strange_name_cannot_break_out_of_its_header(
    client: TestClient, jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    path = published(jobs, settings, tmp_path, 'masks/é"; x=\r\n.bin')
    (item,) = client.get(path).json()["items"]
    headers = client.get(item["url"]).headers
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%A9%22%3B%20x%3D%0D%0A.bin"


def test_a_file_that_the_store_has_lost_is_a_404_and_not_an_empty_download(
    client: TestClient, jobs: Jobs
) -> None:
    claim = jobs.running()
    jobs.succeed(claim, [FinishedArtifact("model.safetensors", "jobs/lost", 10, "00" * 32)])
    (item,) = client.get(f"/v1/jobs/{claim.job_id}/artifacts").json()["items"]
    answer = client.get(item["url"])
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "jobs/lost" not in answer.text


def test_an_artifact_is_found_under_its_own_job_only(
    client: TestClient, jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    (item,) = client.get(published(jobs, settings, tmp_path, "a")).json()["items"]
    for job_id, artifact_id in ((jobs.queued(), item["id"]), (uuid4(), item["id"]), (jobs.queued(), uuid4())):
        assert client.get(f"/v1/jobs/{job_id}/artifacts/{artifact_id}/content").status_code == 404


def test_a_job_that_has_not_succeeded_has_none(client: TestClient, jobs: Jobs) -> None:
    assert client.get(f"/v1/jobs/{jobs.running().job_id}/artifacts").json() == {"items": []}
