"""Estimates over REST, from a config on the disk or on a simulated Hub."""

import errno
import gzip
import json
import os
import tracemalloc
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePath
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient
from httpx import Response

from jobs.database import Database
from jobs.queue import workers
from jobs.queue.resources import Capacity, queue_name
from jobs.spec import model_shape
from pruning.estimate import Machine
from pruning.files import frozen_file
from pruning.recipe import ModelReference
from tests.http_servers import QuietHandler, serving

LLAMA_7B = {
    "model_type": "llama",
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "vocab_size": 32000,
    "tie_word_embeddings": False,
    "max_position_embeddings": 4096,
    "torch_dtype": "float16",
}
H100 = Machine(
    device="cuda:0 (H100)",
    memory_bytes=80 * 2**30,
    operations_per_second={"float32": 4e13, "float16": 6e14},
    bytes_per_second=2e12,
)


@pytest.fixture
def llama_config() -> Mapping[str, object]:
    return LLAMA_7B


def body(model: str, **more: object) -> dict[str, Any]:
    return {"model": model, "method": "gblm", "sparsity": 0.5, **more}


def refusal(answer: Response) -> str:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "model.id"
    return str(error["message"])


def test_an_estimate_is_for_the_slowest_live_worker(
    client: TestClient, llama: str, database: Database
) -> None:
    assumed = client.post("/v1/estimates", json=body(llama)).json()
    assert not assumed["machine"]["measured"]
    with database.begin() as session:
        for name, speed in (("slow", 1.0), ("fast", 2.0)):
            rates = {dtype: rate * speed for dtype, rate in H100.operations_per_second.items()}
            workers.record_machine(session, name, H100.model_copy(update={"operations_per_second": rates}))
    answer = client.post("/v1/estimates", json=body(llama))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["machine"]["operations_per_second"] == H100.operations_per_second
    assert (told["dtype"], told["schedule"]) == ("float16", "whole")
    assert (told["model"]["model_type"], told["model"]["blocks"]) == ("llama", 32)
    stages = {stage["name"]: stage for stage in told["stages"]}
    assert list(stages) == ["resolve", "gradients", "prune", "evaluate", "upload"]
    # 6PT of the blocks' weights, by hand: q, k, v, o and the three of the MLP.
    weights = 32 * (4 * 4096**2 + 3 * 4096 * 11008)
    products = 6 * weights * 128 * 2048
    assert products < stages["gradients"]["operations"] < 1.2 * products
    # Weights in 16 bits, a float32 sum for each in the blocks, and 11 GB of activations of one window.
    held = 2 * told["model"]["parameters"] + 4 * weights + 11e9
    assert held < stages["gradients"]["memory_bytes"] < held + 2e9
    assert told["output_bytes"] == 2 * told["model"]["parameters"]
    # A second norm has sums of its own, which do not fit beside the rest.
    both = client.post("/v1/estimates", json=body(llama, allocation="gradient")).json()
    assert both["schedule"] == "streamed"
    assert both["stages"][1]["operations"] > 8 / 6 * products
    assert client.get("/v1/jobs").json()["items"] == []


def test_an_estimate_is_refused_like_its_job(client: TestClient, llama: str) -> None:
    answer = client.post("/v1/estimates", json=body(llama, sparsity=2))
    assert [error["field"] for error in answer.json()["errors"]] == ["sparsity"]
    assert "allowed root" in refusal(client.post("/v1/estimates", json=body("/etc")))


def test_a_config_that_leads_out_of_the_roots_is_not_read(
    client: TestClient, tmp_path: Path, llama: str
) -> None:
    (tmp_path / "models/link").symlink_to(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_7B))
    said = refusal(client.post("/v1/estimates", json=body(str(tmp_path / "models/link"))))
    assert "no config.json, or one that is a link out of the directories that the service may read" in said
    assert "`cp -rL`" in said
    none = refusal(client.post("/v1/estimates", json=body(str(tmp_path / "models/none"))))
    assert none == "there is no model that a job may read: this directory does not exist"


@pytest.mark.threat
def test_a_config_that_becomes_a_link_once_it_was_found_is_not_followed(
    client: TestClient, tmp_path: Path, llama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, outside, find = Path(llama, "config.json"), tmp_path / "outside.json", Path.resolve
    outside.write_text(json.dumps(LLAMA_7B))

    def found(path: Path, strict: bool = False) -> Path:
        real = find(path, strict)
        if path == config:
            config.unlink()
            config.symlink_to(outside)
        return real

    monkeypatch.setattr(Path, "resolve", found)
    assert "no config.json" in refusal(client.post("/v1/estimates", json=body(llama)))


@pytest.mark.threat
def test_a_config_that_turns_into_a_pipe_blocks_no_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, really_open = tmp_path / "config.json", Path.open
    config.write_text("{}")

    def opened(path: Path, *arguments: Any) -> Any:
        config.unlink()
        os.mkfifo(config)
        return really_open(path, *arguments)

    monkeypatch.setattr(Path, "open", opened)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(model_shape._read, config, (tmp_path,))
        try:
            with pytest.raises(model_shape.UnknownModelShape):
                answer.result(timeout=120)
        finally:
            with suppress(OSError):  # nobody waits at the pipe
                os.close(os.open(config, os.O_WRONLY | os.O_NONBLOCK))


def test_a_disk_of_the_api_that_fails_says_nothing_about_the_model(
    client: TestClient, llama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(root: Path, path: PurePath) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(frozen_file, "open_beneath", fail)
    assert "its worker estimates it" in refusal(client.post("/v1/estimates", json=body(llama)))


@pytest.mark.threat
def test_the_token_of_the_hub_is_not_sent_in_clear_after_a_redirect(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> Response:
        asked.append(str(request.url))
        return Response(307, headers={"Location": "http://hub.test/elsewhere"})

    client = partial(httpx.AsyncClient, transport=httpx.MockTransport(answer))
    monkeypatch.setattr("jobs.spec.model_shape.httpx.AsyncClient", client)
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.test")
    with pytest.raises(model_shape.UnknownModelShape, match="at another address"):
        model_shape._fetch(ModelReference(id="org/name"), "hub-secret")
    assert asked == ["https://hub.test/org/name/resolve/main/config.json"]


def test_an_unknown_architecture_is_refused_by_name(client: TestClient, llama: str) -> None:
    Path(llama, "config.json").write_text(json.dumps(LLAMA_7B | {"model_type": "mamba"}))
    assert "only once a worker" in refusal(client.post("/v1/estimates", json=body(llama)))
    Path(llama, "config.json").write_text("[" * 100_000)
    assert "not a JSON object" in refusal(client.post("/v1/estimates", json=body(llama)))


BOMB = gzip.compress(bytes(2**28))


class Hub(QuietHandler):
    """Answers as the Hub does for a model, one that is private, and one behind a redirect elsewhere."""

    def do_GET(self) -> None:
        if self.path == "/org/name/resolve/main/config.json":
            self.send_response(307)
            self.send_header("Location", "/api/resolve-cache/org/name/config.json")
        elif self.path == "/api/resolve-cache/org/name/config.json":
            self.send_response(200)
        elif self.path.startswith("/org/bomb"):
            self.send_response(200)
            self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(BOMB)
            return
        elif self.path.startswith("/org/private"):
            self.send_response(200 if self.headers["Authorization"] == "Bearer hub-secret" else 401)
        else:
            malformed = self.path.startswith("/org/malformed")
            self.send_response(307)
            self.send_header("Location", "//[" if malformed else "http://127.0.0.2:9/elsewhere")
        self.end_headers()
        self.wfile.write(json.dumps(LLAMA_7B).encode())


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serving(Hub) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        yield


@pytest.mark.usefixtures("hub")
def test_a_model_on_the_hub(client: TestClient) -> None:
    answer = client.post("/v1/estimates", json=body("org/name"))
    assert answer.json()["model"]["blocks"] == 32, answer.text
    assert "private or gated" in refusal(client.post("/v1/estimates", json=body("org/private")))
    assert "at another address" in refusal(client.post("/v1/estimates", json=body("org/elsewhere")))
    assert client.post("/v1/estimates", json=body("org/malformed")).status_code == 503


@pytest.mark.threat
@pytest.mark.usefixtures("hub")
def test_what_a_hub_compresses_is_not_expanded(client: TestClient) -> None:
    client.post("/v1/estimates", json=body("org/name"))  # whatever is loaded once
    tracemalloc.start()
    said = refusal(client.post("/v1/estimates", json=body("org/bomb")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "its config.json is not a JSON object" in said
    assert peak < 32 * 2**20  # of 256 MiB


def test_a_hub_that_does_not_answer(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    answer = client.post("/v1/estimates", json=body("org/name"))
    assert answer.status_code == 503
    assert "Hub does not answer" in answer.json()["detail"]


def test_an_estimate_answers_for_each_queue(client: TestClient, llama: str, database: Database) -> None:
    with database.begin() as session:
        for gibibytes, speed in ((4, 1.0), (79, 4.0)):
            has = Capacity(
                gpus=1, device_bytes=gibibytes * 2**30, host_bytes=64 * 2**30, scratch_bytes=10**12
            )
            rates = {dtype: rate * speed for dtype, rate in H100.operations_per_second.items()}
            fast = H100.model_copy(update={"operations_per_second": rates, "memory_bytes": gibibytes * 2**30})
            workers.record_capacity(session, queue_name(has), queue_name(has), has)
            workers.record_machine(session, queue_name(has), fast)
    told = client.post("/v1/estimates", json=body(llama)).json()
    small, large = told["queues"]
    assert (small["queue"], large["queue"]) == ("gpu.4g", "gpu.80g")
    assert (small["fits"], small["seconds"], small["memory_bytes"]) == (False, None, None)
    assert small["missing"].endswith("(it has 4.3 GB of GPU memory)")
    assert (large["fits"], large["missing"]) == (True, None)
    # The figures of the whole job are those of the queue that it would wait in.
    assert told["queue"] == "gpu.80g"
    assert (told["seconds"], told["memory_bytes"]) == (large["seconds"], large["memory_bytes"])
    assert told["machine"]["operations_per_second"]["float16"] == 4 * H100.operations_per_second["float16"]
    assert told["needs"]["device_bytes"] > 4 * 2**30
    small_enough = body(llama, resources={"device_bytes": 3 * 2**30})
    assert client.post("/v1/estimates", json=small_enough).json()["queue"] == "gpu.4g"
    greedy = client.post("/v1/estimates", json=body(llama, resources={"gpus": 3})).json()
    assert (greedy["queue"], [each["fits"] for each in greedy["queues"]]) == (None, [False, False])
