"""The examples of the documentation work."""

import hashlib
import re
from pathlib import Path
from uuid import UUID

import pytest

from api.schemas.job_requests import JobRequest
from tests.scripted_server import (
    Exchange,
    ScriptedServer,
    artifact_document,
    job_document,
    state_event,
)

CHECKOUT = Path(__file__).parents[2]
PAGE = "docs/client.md"
ADDRESS = "http://127.0.0.1:8642"
WEIGHTS = b"weights"


def test_the_examples_run_one_after_the_other(
    server: ScriptedServer, job_id: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[object] = []

    def submitted(it: Exchange) -> None:
        bodies.append(it.received())
        it.json(job_document(job_id, "queued"), 201)

    def estimated(it: Exchange) -> None:
        bodies.append(it.received())
        it.json(ESTIMATE)

    server.on("/v1/jobs", submitted)
    server.on("/v1/estimates", estimated)
    server.on_job(job_id, "succeeded", state_event(1, "queued"), state_event(2, "succeeded"))
    file = artifact_document("model.safetensors", WEIGHTS, hashlib.sha256(WEIGHTS).hexdigest(), "/content")
    server.on(f"/v1/jobs/{job_id}/artifacts", lambda it: it.json({"items": [file]}))
    server.on("/content", lambda it: it.body(WEIGHTS))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRUNESERVE_API_KEY", "ps_key")
    examples = re.findall(r"^```python\n(.*?)^```", (CHECKOUT / PAGE).read_text(), re.MULTILINE | re.DOTALL)
    assert examples
    assert ADDRESS in examples[0]
    names: dict[str, object] = {}
    for example in examples:
        # The first example closes the client; those that follow it use the same variable.
        program = example.replace(ADDRESS, server.url)
        exec(compile(program, PAGE, "exec"), names)  # noqa: S102 - our own documentation
        exec(f"from pruneserve_client import Client\nclient = Client({server.url!r}, 'ps_key')", names)  # noqa: S102 - our own documentation
    assert bodies
    for body in bodies:
        JobRequest.model_validate(body)
    assert (tmp_path / "pruned" / "model.safetensors").read_bytes() == WEIGHTS


ESTIMATE = {
    "model": {"model_type": "llama", "parameters": 1, "prunable": 1, "blocks": 1},
    "machine": {
        "device": "cpu",
        "memory_bytes": 1,
        "operations_per_second": {"float32": 1.0},
        "bytes_per_second": 1.0,
        "measured": True,
    },
    "dtype": "float32",
    "schedule": None,
    "stages": [],
    "output_bytes": 1,
    "notes": [],
    "seconds": 1.0,
    "memory_bytes": 1,
}
