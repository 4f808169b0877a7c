"""A job's request, sent again as the API shows it, and with changes."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient

from pruning.recipe import METHODS
from tests.api.drive import SMALLEST, ClientOf, Jobs

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


@pytest.mark.parametrize(
    ("changes", "same_as"),
    [
        ({}, {}),
        ({"sparsity": 0.6}, {"sparsity": 0.6}),
        (
            {"pattern": "1:4", "allocation": None},
            {"pattern": "1:4", "sparsity": 0.75, "allocation": "uniform"},
        ),
        ({"method": {"alpha": 7.0}}, {"method": {"name": "gblm", "norm": "l1", "alpha": 7.0}}),
        ({"method": {"name": "wanda"}}, {"method": "wanda"}),
        ({"method": "wanda"}, {"method": "wanda"}),
        ({"model": {"id": "org/other"}}, {"model": "org/other"}),
        ({"model": {"revision": "v2"}}, {"model": {"id": "org/name", "revision": "v2"}}),
        ({"calibration": {"seed": 1}}, {"calibration": {**LARGE["calibration"], "seed": 1}}),
        ({"gate": None, "allocation": None}, {"gate": None, "allocation": "uniform"}),
        ({"labels": {"run": None, "of": "you"}}, {"labels": {"team": "vision", "of": "you"}}),
    ],
)
def test_a_rerun_is_the_job_with_changes(
    client: TestClient, changes: dict[str, Any], same_as: dict[str, Any]
) -> None:
    first = submitted(client, LARGE)
    answer = client.post(f"/v1/jobs/{first['id']}/rerun", json=changes)
    assert answer.status_code == 201, answer.text
    expected = submitted(client, LARGE | same_as)
    rerun = client.get(answer.headers["Location"]).json()
    assert (rerun["spec"], rerun["labels"]) == (expected["spec"], expected["labels"])


def test_a_rerun_is_repeated_safely(client: TestClient) -> None:
    first, other = submitted(client, SMALLEST), submitted(client, SMALLEST)
    key = {"Idempotency-Key": "again"}
    answers = [client.post(f"/v1/jobs/{first['id']}/rerun", json={}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["id"] == answers[1].json()["id"] != first["id"]
    of_another = client.post(f"/v1/jobs/{other['id']}/rerun", json={}, headers=key)
    assert of_another.status_code == 422


def test_changes_that_give_no_request_are_refused_by_their_field(client: TestClient, jobs: Jobs) -> None:
    job_id = jobs.queued()
    answer = client.post(f"/v1/jobs/{job_id}/rerun", json={"sparsity": 2, "speed": 3})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {"sparsity", "speed"}
    for wrong in (jobs.queued("eve"), uuid4()):
        assert client.post(f"/v1/jobs/{wrong}/rerun", json={}).status_code == 404


@pytest.mark.threat
def test_a_key_that_may_only_submit_reads_no_request_by_a_rerun(client_of: ClientOf, jobs: Jobs) -> None:
    job_id = jobs.queued("ada")
    submitting, ordinary = client_of("ada", ["jobs:write"]), client_of("ada", ["jobs:read", "jobs:write"])
    refused = submitting.post(f"/v1/jobs/{job_id}/rerun", json={})
    assert (refused.status_code, "spec" in refused.json()) == (403, False)
    assert "'jobs:read'" in refused.json()["detail"]
    assert ordinary.post(f"/v1/jobs/{job_id}/rerun", json={}).status_code == 201
