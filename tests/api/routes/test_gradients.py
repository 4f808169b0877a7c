"""Gradient norms that owners keep: their jobs, their files, what may name them, and what may not."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from fastapi.testclient import TestClient
from safetensors.numpy import save

from api.security import middleware
from jobs import retention
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store
from tests.api.drive import SMALLEST, ClientOf

REQUEST = {"model": "org/name", "norms": ["l1"], "calibration": {"dataset": "builtin", "samples": 4}}
METADATA = {
    "format": "pruneserve gradient norms 1",
    "model": "sha256:of-weights",
    "calibration": "of-windows",
}
NORMS = {"l1/model.layers.0.mlp.up_proj": np.arange(12, dtype=np.float32).reshape(3, 4) + 0.1}
CONTENT = save(NORMS, METADATA)
KIND = {"Content-Type": "application/x-safetensors"}


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(middleware, "MAX_TEXT_BYTES", 100)
    return settings.model_copy(update={"quota_bytes": 3 * len(CONTENT)})


class Gradients:
    """Submits gradient jobs over REST, and lets them succeed as a worker would."""

    def __init__(self, client: TestClient, database: Database, settings: Settings, directory: Path) -> None:
        self.client, self.database, self.directory = client, database, directory
        self.store = Store(settings.store_url)

    def submitted(self, **changes: object) -> str:
        answer = self.client.post("/v1/jobs", json=REQUEST | changes)
        assert answer.status_code == 201, answer.text
        assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
        return str(answer.json()["id"])

    def finished(self, content: bytes = CONTENT, **changes: object) -> str:
        job = self.submitted(**changes)
        with self.database.begin() as session:
            claim = lifecycle.claim(session, UUID(job), "worker", 3000)
        assert claim is not None
        path = self.directory / "norms"
        path.write_bytes(content)
        stored = self.store.put_file(f"jobs/{job}/attempts/1/output/norms", path)
        file = FinishedArtifact("gradient_norms.safetensors", stored.key, stored.size, stored.sha256)
        with self.database.begin() as session:
            assert lifecycle.succeed(session, claim, None, [file])
        return job

    def prune(self, gradients: str, client: TestClient | None = None, **changes: object) -> Any:
        return (client or self.client).post("/v1/jobs", json=SMALLEST | {"gradients": gradients} | changes)


@pytest.fixture
def gradients(client: TestClient, database: Database, settings: Settings, tmp_path: Path) -> Gradients:
    return Gradients(client, database, settings, tmp_path)


def address(client: TestClient, job: str) -> str:
    """Return where the file of a job is."""
    (file,) = client.get(f"/v1/jobs/{job}/artifacts").json()["items"]
    return str(file["url"])


def refusal(answer: Any) -> str:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "gradients"
    return str(error["message"])


def test_a_gradient_job_is_a_job_that_is_listed_with_its_file(
    gradients: Gradients, client: TestClient
) -> None:
    job = gradients.submitted(norms=["l1", "l2"], name="l1 and l2", labels={"team": "search"})
    detail = client.get(f"/v1/jobs/{job}").json()
    assert (detail["method"], detail["name"], detail["labels"]) == ("norms", "l1 and l2", {"team": "search"})
    assert detail["spec"]["norms"] == ["l1", "l2"]
    assert [item["id"] for item in client.get("/v1/jobs?method=norms").json()["items"]] == [job]

    done = gradients.finished()
    listed = client.get("/v1/jobs?method=norms").json()["items"]
    assert [item["id"] for item in listed] == [done, job]
    taken = client.get("/v1/uploads").json()
    assert (taken["used_bytes"], taken["quota_bytes"]) == (len(CONTENT), 3 * len(CONTENT))
    detail = client.get(f"/v1/jobs/{done}").json()
    assert (detail["report"], detail["perplexity"]) == (None, None)
    assert client.get(address(client, done)).content == CONTENT


def test_its_page_shows_the_file_and_what_it_took(gradients: Gradients, client: TestClient) -> None:
    job = gradients.finished()
    html = client.get(f"/jobs/{job}").text
    for shown in ("gradient norms", "gradient_norms.safetensors", f"gradient:{job}", "Peak memory"):
        assert shown in html
    for hidden in ("<dt>Perplexity</dt>", "<dt>Agreement</dt>", "Load with transformers", "/promote"):
        assert hidden not in html
    assert "gradient norms" in client.get(f"/jobs/{gradients.submitted()}").text
    assert "norms" in client.get("/jobs?method=norms").text


def test_its_request_submits_it_again(gradients: Gradients, client: TestClient) -> None:
    job = gradients.submitted(norms=["l2"])
    spec = client.get(f"/v1/jobs/{job}").json()["spec"]
    again = client.post("/v1/jobs", json=spec).json()
    assert again["spec"] == spec


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"norms": ["l3"]}, "norms.0"),
        ({"norms": ["l1", "l1"]}, "norms"),
        ({"gate": {"max_perplexity": 9}}, "gate"),
        ({"save_masks": True}, "save_masks"),
        ({"evaluation": {"windows": 3}}, "evaluation"),
        ({"method": "gblm", "sparsity": 0.5}, "method"),
        ({"sparsity": 0.5}, "sparsity"),
        ({"structure": {"mlp_channels": 0.5}}, "norms"),
    ],
)
def test_what_a_gradient_job_cannot_have_is_refused_by_name(
    client: TestClient, changes: dict[str, object], field: str
) -> None:
    answer = client.post("/v1/jobs", json=REQUEST | changes)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


def test_a_job_names_them_and_is_stored_with_their_content(gradients: Gradients, client: TestClient) -> None:
    job = gradients.finished()
    answer = gradients.prune(f"gradient:{job}")
    assert answer.status_code == 201, answer.text
    sha256 = client.get(f"/v1/jobs/{job}/artifacts").json()["items"][0]["sha256"]
    assert answer.json()["spec"]["gradients"] == f"sha256:{sha256}.safetensors"
    assert client.post("/v1/jobs", json=answer.json()["spec"]).status_code == 201
    in_use = client.delete(f"/v1/jobs/{job}")
    assert (in_use.status_code, "gradient norms are used" in in_use.json()["detail"]) == (409, True)


@pytest.mark.threat
def test_norms_that_do_not_fit_are_refused_with_the_reason(gradients: Gradients, client_of: ClientOf) -> None:
    job = gradients.finished()
    assert "of another model" in refusal(gradients.prune(f"gradient:{job}", model="org/other"))
    l2 = {"name": "gblm", "norm": "l2"}
    assert "that are l1, and this job needs l2" in refusal(gradients.prune(f"gradient:{job}", method=l2))
    assert "that has succeeded" in refusal(gradients.prune(f"gradient:{gradients.submitted()}"))
    nobodys = refusal(gradients.prune(f"gradient:{uuid4()}"))
    assert refusal(gradients.prune(f"gradient:{job}", client_of("eve"))) == nobodys
    stored = gradients.prune(f"gradient:{job}").json()["spec"]["gradients"]
    assert "of another model" in refusal(gradients.prune(stored, model="org/other"))
    assert "none with this content" in refusal(gradients.prune(stored, client_of("eve")))


def test_norms_are_deleted_with_their_job(gradients: Gradients, client: TestClient) -> None:
    job = gradients.finished()
    assert client.delete(f"/v1/jobs/{job}").status_code == 204
    assert "must be one of your gradient jobs" in refusal(gradients.prune(f"gradient:{job}"))
    assert client.get("/v1/uploads").json()["used_bytes"] == 0


def test_they_do_not_expire_as_other_artifacts_do(
    gradients: Gradients, client: TestClient, database: Database
) -> None:
    job = gradients.finished()
    with database.begin() as session:
        assert retention.expire_artifacts(session, 0.0, 10) == 0
        assert retention.delete_expired_jobs(session, 0.0, 10) == 0
    assert client.get(address(client, job)).content == CONTENT


def test_they_cannot_be_shown_in_the_zoo(gradients: Gradients, client: TestClient) -> None:
    answer = client.post("/v1/zoo", json={"job_id": gradients.finished()})
    assert answer.json()["type"] == "urn:pruneserve:problem:not-promotable"


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=5-", CONTENT[5:]),
        ("bytes=0-0", CONTENT[:1]),
        ("bytes=7-1000000", CONTENT[7:]),
        ("bytes=-9", CONTENT[-9:]),
        ("bytes=-1000000", CONTENT),
    ],
)
def test_a_range_is_served_with_its_place(
    gradients: Gradients, client: TestClient, wanted: str, part: bytes
) -> None:
    path = address(client, gradients.finished())
    answer = client.get(path, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (206, part)
    start = CONTENT.index(part)
    end = start + len(part) - 1
    assert answer.headers["Content-Range"] == f"bytes {start}-{end}/{len(CONTENT)}"
    assert answer.headers["Content-Length"] == str(len(part))


def test_ranges_that_cannot_be_served(gradients: Gradients, client: TestClient) -> None:
    path = address(client, gradients.finished())
    etag = client.get(path).headers["ETag"]
    for ignored in ("bytes=0-1,4-5", "lines=1-2", "bytes=9-2", "nonsense"):
        whole = client.get(path, headers={"Range": ignored})
        assert (whole.status_code, whole.content) == (200, CONTENT)
    behind = client.get(path, headers={"Range": f"bytes={len(CONTENT)}-"})
    assert behind.status_code == 416
    assert behind.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
    other = client.get(path, headers={"Range": "bytes=5-", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, CONTENT)
    same = client.get(path, headers={"Range": "bytes=5-", "If-Range": etag})
    assert (same.status_code, same.content) == (206, CONTENT[5:])


def upload(client: TestClient, content: bytes, kind: str = KIND["Content-Type"]) -> Any:
    return client.post("/v1/uploads?name=mine", content=content, headers={"Content-Type": kind})


def test_uploaded_norms_are_used_like_those_of_a_job(gradients: Gradients, client: TestClient) -> None:
    sent = upload(client, CONTENT)
    assert sent.status_code == 201, sent.text
    assert (sent.json()["format"], sent.json()["size"]) == ("safetensors", len(CONTENT))
    answer = gradients.prune(f"upload:{sent.json()['id']}")
    assert answer.json()["spec"]["gradients"] == f"sha256:{sent.json()['sha256']}.safetensors"
    assert client.get("/v1/uploads").json()["used_bytes"] == len(CONTENT)
    assert client.delete(f"/v1/uploads/{sent.json()['id']}").status_code == 409
    text = upload(client, b"some text", "text/plain").json()
    assert "of gradient norms" in refusal(gradients.prune(f"upload:{text['id']}"))
    calibration = {"dataset": f"upload:{sent.json()['id']}"}
    refused = client.post("/v1/jobs", json=SMALLEST | {"calibration": calibration})
    assert refused.json()["errors"][0]["field"] == "calibration.dataset"


def with_header(change: dict[str, Any], content: bytes = CONTENT) -> bytes:
    """The file with a changed header, and the same tensors."""
    length = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + length]) | change).encode()
    return len(header).to_bytes(8, "little") + header + content[8 + length :]


@pytest.mark.threat
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"short",
        b"\xff" * 64,
        (2**40).to_bytes(8, "little") + b"{}",
        (2).to_bytes(8, "little") + b"[]",
        (8).to_bytes(8, "little") + b"no json!",
        save(NORMS),
        save(NORMS, METADATA | {"format": "something else"}),
        save(NORMS, {"format": METADATA["format"], "model": "sha256:of-weights"}),
        save({}, METADATA),
        save({"model.embed_tokens": np.ones((3, 4), dtype=np.float32)}, METADATA),
        save({"l1/layer": np.ones(12, dtype=np.float32)}, METADATA),
        save({"l1/layer": np.ones((3, 4), dtype=np.float16)}, METADATA),
        with_header({"l2/layer": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}}),
        with_header({"l2/layer": {"dtype": "F32", "shape": [3, 4], "data_offsets": [96, 144]}}),
        with_header({"l2/layer": {"dtype": "F32", "shape": [-3, -4], "data_offsets": [48, 96]}}),
        with_header({"l2/layer": {"dtype": "F32", "shape": [3, True], "data_offsets": [48, 60]}}),
        CONTENT[:-1],
        CONTENT + b"\0",
    ],
)
def test_what_is_no_file_of_gradient_norms_is_refused(client: TestClient, content: bytes) -> None:
    answer = upload(client, content)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "body"
    assert client.get("/v1/uploads").json()["items"] == []


def test_a_header_may_arrive_in_pieces(client: TestClient) -> None:
    answer = client.post("/v1/uploads?name=x", content=(bytes([byte]) for byte in CONTENT), headers=KIND)
    assert (answer.status_code, answer.json().get("size")) == (201, len(CONTENT))


def test_norms_have_a_limit_of_their_own(client: TestClient) -> None:
    assert upload(client, b"x" * 101, "text/plain").status_code == 413
    large = save({"l1/layer": np.ones((200, 200), dtype=np.float32)}, METADATA)
    assert upload(client, large).status_code == 413
