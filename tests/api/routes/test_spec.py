"""A job's request, sent again as the API shows it."""

from typing import Any

import pytest
from fastapi.testclient import TestClient

from pruning.recipe import METHODS
from tests.api.drive import SMALLEST

LARGE: dict[str, Any] = {
    "model": {"id": "org/name", "revision": "main"},
    "method": {"name": "gblm", "norm": "l1", "alpha": 5.0},
    "sparsity": 0.5,
    "allocation": "owl",
    "calibration": {"dataset": "builtin", "samples": 3, "sequence_length": 64, "seed": 9},
    "evaluation": {"dataset": "builtin", "sequence_length": 64, "windows": 5},
    "save_masks": True,
    "gate": {"max_perplexity_increase": 0.05},
    "labels": {"team": "vision", "run": "7"},
}


def submitted(client: TestClient, request: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/v1/jobs", json=request)
    assert answer.status_code == 201, answer.text
    job: dict[str, Any] = client.get(answer.headers["Location"]).json()
    return job


CUT = {"model": "org/name", "structure": {"mlp_channels": 0.25}}


@pytest.mark.parametrize(
    "request_",
    [
        LARGE,
        CUT,
        *({**SMALLEST, "method": name} | ({"sparsity": 0} if name == "none" else {}) for name in METHODS),
    ],
    ids=["large", "structure alone", *METHODS],
)
def test_the_spec_of_a_job_submits_it_again(client: TestClient, request_: dict[str, Any]) -> None:
    first = submitted(client, request_)
    again = submitted(client, first["spec"])
    assert again["id"] != first["id"]
    for field in ("spec", "recipe_fingerprint", "labels"):
        assert again[field] == first[field]
    assert again["labels"] == request_.get("labels", {})


def test_an_upload_is_named_so_that_the_spec_submits_it_again(client: TestClient) -> None:
    upload = client.post(
        "/v1/uploads?name=a.txt", content=b"some text\n", headers={"Content-Type": "text/plain"}
    ).json()
    dataset = f"upload:{upload['id']}"
    first = submitted(client, SMALLEST | {"calibration": {"dataset": dataset}})
    assert submitted(client, first["spec"])["recipe_fingerprint"] == first["recipe_fingerprint"]
