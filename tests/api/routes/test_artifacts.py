import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi.testclient import TestClient

from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store, attempt_prefix
from pruneserve_client import Client
from tests.api.drive import Jobs, MakeKey, Server

CONTENT = os.urandom(3_000_000)


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
    assert answer.headers["ETag"] == f'"{digest.hex()}"'

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


COMPRESSIBLE = b"".join(os.urandom(7) + bytes(9) for _ in range(600_000))
"""Of more than two frames, and takes about half of its bytes."""


@pytest.fixture
def compressed(jobs: Jobs, settings: Settings, tmp_path: Path) -> dict[str, Any]:
    """A file that is kept compressed: its address, and the bytes in the store."""
    claim = jobs.running()
    path = tmp_path / "artifact"
    path.write_bytes(COMPRESSIBLE)
    store = Store(settings.store_url)
    stored = store.put_file(f"{attempt_prefix(claim.job_id, 1)}/file", path, compress=True)
    artifact = FinishedArtifact(
        "model.safetensors", stored.key, stored.size, stored.sha256, stored.stored_size
    )
    jobs.succeed(claim, [artifact])
    return {"list": f"/v1/jobs/{claim.job_id}/artifacts", "bytes": b"".join(store.stream(stored.key))}


def raw(client: TestClient, url: str, **headers: str) -> tuple[httpx.Response, bytes]:
    """The answer, with the bytes that came over the wire."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.stream("GET", url, headers=names) as answer:
        return answer, b"".join(answer.iter_raw())


def test_a_compressed_file_is_sent_as_stored_to_clients_that_accept_it(
    client: TestClient, compressed: dict[str, Any]
) -> None:
    (item,) = client.get(compressed["list"]).json()["items"]
    digest = hashlib.sha256(COMPRESSIBLE).digest()
    assert (item["size"], item["sha256"]) == (len(COMPRESSIBLE), digest.hex())
    assert item["stored_size"] == len(compressed["bytes"]) < 0.7 * len(COMPRESSIBLE)

    answer, body = raw(client, item["url"], Accept_Encoding="gzip, zstd;q=0.5")
    assert body == compressed["bytes"]
    assert answer.headers["Content-Encoding"] == "zstd"
    assert answer.headers["Content-Length"] == str(len(body))
    assert answer.headers["ETag"] == f'W/"{digest.hex()}"'
    assert "Accept-Encoding" in answer.headers["Vary"]

    again = client.get(item["url"], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert "Accept-Encoding" in again.headers["Vary"]
    storage = client.get("/v1/storage").json()
    assert storage["artifact_bytes"] == len(compressed["bytes"])
    job = client.get(compressed["list"].removesuffix("/artifacts")).json()
    assert job["stored_weight_bytes"] == len(compressed["bytes"])


@pytest.mark.parametrize(
    "accepted", ["", "identity", "gzip, br", "zstd;q=0", "gzip, zstd; q=0.000", "zstd-x"]
)
def test_clients_that_do_not_accept_zstd_get_the_plain_bytes(
    client: TestClient, compressed: dict[str, Any], accepted: str
) -> None:
    (item,) = client.get(compressed["list"]).json()["items"]
    answer, body = raw(client, item["url"], Accept_Encoding=accepted)
    assert body == COMPRESSIBLE
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["Content-Length"] == str(len(COMPRESSIBLE))
    assert answer.headers["ETag"] == f'"{item["sha256"]}"'
    assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=4194300-4194310", slice(4_194_300, 4_194_311)),
        ("bytes=9000000-", slice(9_000_000, None)),
        ("bytes=-5", slice(-5, None)),
    ],
)
def test_a_range_is_of_the_plain_bytes_for_every_accept_encoding(
    client: TestClient, compressed: dict[str, Any], wanted: str, part: slice
) -> None:
    (item,) = client.get(compressed["list"]).json()["items"]
    tag = f'"{item["sha256"]}"'
    answer, body = raw(client, item["url"], Accept_Encoding="zstd", Range=wanted, If_Range=tag)
    assert answer.status_code == 206
    assert body == COMPRESSIBLE[part]
    assert answer.headers["Content-Range"].endswith(f"/{len(COMPRESSIBLE)}")
    assert "Content-Encoding" not in answer.headers
    beyond, _ = raw(client, item["url"], Accept_Encoding="zstd", Range=f"bytes={len(COMPRESSIBLE)}-")
    assert beyond.status_code == 416


@pytest.mark.skipif(
    "zstd" not in subprocess.run(["curl", "--version"], capture_output=True, text=True, check=False).stdout,
    reason="needs a curl that decodes zstd",
)
def test_curl_decodes_it_and_goes_on_where_it_was_interrupted(
    server: Server, client: TestClient, compressed: dict[str, Any], make_key: MakeKey, tmp_path: Path
) -> None:
    (item,) = client.get(compressed["list"]).json()["items"]
    key, output = f"Authorization: Bearer {make_key()}", tmp_path / "curl"
    command = ["curl", "-sS", "--fail-with-body", "--compressed", "-H", key, "-o", str(output)]
    fetched = [*command, "-w", "%{size_download}", f"{server.url}{item['url']}"]
    sent = subprocess.run(fetched, capture_output=True, text=True, check=True).stdout
    assert (int(sent), output.read_bytes()) == (len(compressed["bytes"]), COMPRESSIBLE)
    output.write_bytes(COMPRESSIBLE[:5_000_000])
    subprocess.run([*fetched, "-C", "-"], capture_output=True, check=True)
    assert output.read_bytes() == COMPRESSIBLE


def test_the_client_decompresses_and_resumes_a_download(
    server: Server, compressed: dict[str, Any], make_key: MakeKey, tmp_path: Path
) -> None:
    with Client(server.url, make_key()) as client:
        (file,) = client.artifacts(UUID(compressed["list"].split("/")[3]))
        counts: list[int] = []
        path = client.download(file, tmp_path / "whole", on_bytes=counts.append)
        assert (path.read_bytes(), sum(counts)) == (COMPRESSIBLE, len(COMPRESSIBLE))

        def stop(count: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            client.download(file, tmp_path / "resumed", on_bytes=stop)
        (partial,) = (tmp_path / "resumed").iterdir()
        arrived = partial.stat().st_size
        assert 0 < arrived < len(COMPRESSIBLE)
        counts.clear()
        path = client.download(file, tmp_path / "resumed", on_bytes=counts.append)
        assert path.read_bytes() == COMPRESSIBLE
        assert (counts[0], sum(counts)) == (arrived, len(COMPRESSIBLE))
        assert list((tmp_path / "resumed").iterdir()) == [path]
