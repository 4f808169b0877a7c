import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from pruning.recipe import METHODS, Calibration, Evaluation
from tests.api.drive import SMALLEST

JSON = {"Content-Type": "application/json"}


def refused_fields(client: TestClient, body: dict[str, Any]) -> dict[str, str]:
    """The fields that a body is refused for, with the messages."""
    answer = client.post("/v1/jobs", content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422, answer.text
    assert client.get("/v1/jobs").json()["items"] == []
    return {error["field"]: error["message"] for error in answer.json()["errors"]}


def test_the_smallest_body_gets_the_defaults_of_the_reference(client: TestClient) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST)
    assert answer.status_code == 201
    job = answer.json()
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert job["state"] == "queued"
    recipe = job["spec"]
    assert recipe["model"] == {"id": "org/name", "revision": None}
    assert recipe["method"].items() >= {"name": "gblm", "norm": "l1", "alpha": 100.0}.items()
    assert (recipe["pattern"], recipe["sparsity"], recipe["dtype"]) == ("unstructured", 0.5, "auto")
    assert recipe["calibration"] == Calibration().model_dump(mode="json")
    assert job["spec"]["evaluation"] == Evaluation().model_dump(mode="json")
    assert job["spec"]["save_masks"] is False
    assert client.get(answer.headers["Location"]).json() == job


def test_every_field_can_be_given(client: TestClient) -> None:
    body = {
        "model": {"id": "/srv/models/llama"},
        "method": {"name": "gblm", "norm": "l2", "alpha": 10},
        "pattern": "2:4",
        "calibration": {"dataset": "/srv/data/text.txt", "samples": 8, "sequence_length": 64, "seed": 3},
        "dtype": "float32",
        "evaluation": {
            "dataset": "builtin",
            "domains": {"own": "/srv/data/text.txt", "web": "c4"},
            "sequence_length": 64,
            "windows": 4,
            "tasks": ["hellaswag"],
            "task_limit": 100,
        },
        "save_masks": True,
    }
    job = client.post("/v1/jobs", json=body).json()
    assert job["sparsity"] == 0.5
    assert job["spec"]["evaluation"].items() >= body["evaluation"].items()
    assert job["spec"]["save_masks"] is True
    assert job["spec"]["calibration"] == {**body["calibration"], "datasets": [], "add_bos_token": False}


def test_a_cut_alone_is_a_job_without_a_method(client: TestClient) -> None:
    answer = client.post("/v1/jobs", json={"model": "org/name", "structure": {"mlp_channels": 0.25}})
    assert answer.status_code == 201, answer.text
    job = answer.json()
    assert (job["method"], job["sparsity"], job["pattern"]) == ("structure", 0, "unstructured")
    assert job["spec"]["method"] is None
    assert job["spec"]["structure"]["mlp_channels"] == 0.25
    found = client.get("/v1/jobs", params={"method": "structure"}).json()["items"]
    assert [item["id"] for item in found] == [job["id"]]
    assert client.get("/v1/jobs", params={"method": "gblm"}).json()["items"] == []
    page = client.get(f"/jobs/{job['id']}").text
    assert "<dt>Size</dt>" in page
    assert "&#34;mlp_channels&#34;: 0.25" in page, "the recipe"


def test_without_structure_a_method_is_required(client: TestClient) -> None:
    fields = refused_fields(client, {"model": "org/name", "sparsity": 0.5})
    assert fields == {"method": "is required unless structure or norms is given"}
    answer = client.post("/v1/jobs", json={"model": "org/name", "sparsity": 0.5})
    assert "value" not in answer.json()["errors"][0], "nothing was sent"


def test_several_calibration_sets_can_be_given_by_weight(client: TestClient) -> None:
    datasets = [{"dataset": "c4", "weight": 3.0}, {"dataset": "/srv/data/text.txt", "weight": 1.0}]
    job = client.post("/v1/jobs", json={**SMALLEST, "calibration": {"datasets": datasets}}).json()
    calibration = job["spec"]["calibration"]
    assert (calibration["dataset"], calibration["datasets"]) == (None, datasets)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"method": "magic"}, "method"),
        ({"method": {"name": "gblm", "alpha": float("nan")}}, "method.alpha"),
        ({"pattern": "4:2"}, "pattern"),
        ({"model": "../up"}, "model.id"),
        ({"model": "org/\ud800"}, "model.id"),
        ({"model": {"id": "org/name", "trust_remote_code": True}}, "model.trust_remote_code"),
        ({"calibration": {"samples": 10**400}}, "calibration.samples"),
        (
            {"calibration": {"datasets": [{"dataset": "c4"}, {"dataset": "web"}]}},
            "calibration.datasets.1.dataset",
        ),
        ({"evaluation": {"tasks": ["piqa", "/srv/task.yaml"]}}, "evaluation.tasks.1"),
        ({"evaluation": {"domains": {"a": "c4", "b": "web"}}}, "evaluation.domains.b"),
        ({"save_masks": "yes"}, "save_masks"),
        ({"trust_remote_code": True}, "trust_remote_code"),
    ],
)
def test_a_bad_field_is_named(client: TestClient, change: dict[str, Any], field: str) -> None:
    assert refused_fields(client, SMALLEST | change).keys() == {field}


def test_several_bad_fields_are_all_named(client: TestClient) -> None:
    assert refused_fields(client, {"sparsity": 2, "dtype": 1}).keys() == {
        "model",
        "method",
        "sparsity",
        "dtype",
    }


@pytest.mark.threat
@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"model": "/etc/passwd"}, "model.id"),
        ({"model": "/srv"}, "model.id"),
        ({"model": "/srv/models-of-others/llama"}, "model.id"),
        ({"model": "/srv/data/llama"}, "model.id"),
        ({"calibration": {"dataset": "/srv/models/text.txt"}}, "calibration.dataset"),
        ({"evaluation": {"dataset": "/root/.bash_history"}}, "evaluation.dataset"),
        ({"evaluation": {"domains": {"a": "c4", "b": "/etc/hosts"}}}, "evaluation.domains.b"),
        ({"calibration": {"datasets": [{"dataset": "/etc/hosts"}]}}, "calibration.datasets.0.dataset"),
        ({"gradients": "/etc/shadow"}, "gradients"),
        ({"gradients": "/srv/models/gradients.safetensors"}, "gradients"),
    ],
)
def test_a_path_outside_the_allowed_roots_is_refused_without_telling_them(
    client: TestClient, change: dict[str, Any], field: str
) -> None:
    refused = refused_fields(client, SMALLEST | change)
    assert refused.keys() == {field}
    assert "allowed root" in refused[field]
    assert "/srv" not in refused[field]
    assert "`pruneserve up --root DIRECTORY`" in refused[field]


def test_a_relative_path_is_not_taken_for_a_hub_id(client: TestClient) -> None:
    for path in ("./models/tiny", "../up", "~/models/tiny"):
        assert "absolute path" in refused_fields(client, SMALLEST | {"model": path})["model.id"]


def test_gradients_under_a_data_root_are_accepted(client: TestClient) -> None:
    assert client.post("/v1/jobs", json=SMALLEST | {"gradients": "/srv/data/g"}).status_code == 201


@pytest.mark.parametrize("model", ["/srv/models", "/srv/models/a", "//srv//models/./a", "/srv/models/a/"])
def test_an_allowed_root_or_a_path_under_it_is_accepted_however_it_is_spelled(
    client: TestClient, model: str
) -> None:
    assert client.post("/v1/jobs", json=SMALLEST | {"model": model}).status_code == 201


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"7"])
def test_a_body_that_is_no_object_is_refused(client: TestClient, body: bytes) -> None:
    assert client.post("/v1/jobs", content=body, headers=JSON).status_code == 422


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 60_000, b"1" * 60_000, b'{"a": tru}'])
def test_a_body_that_is_not_json_is_malformed(client: TestClient, body: bytes) -> None:
    answer = client.post("/v1/jobs", content=body, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:pruneserve:problem:malformed-request"


def test_the_last_of_duplicate_names_counts(client: TestClient) -> None:
    body = b'{"model": "org/name", "method": "gblm", "sparsity": 2, "sparsity": 0.5}'
    assert client.post("/v1/jobs", content=body, headers=JSON).status_code == 201


def test_every_listed_method_can_be_asked_for_by_its_name_alone(client: TestClient) -> None:
    methods = {method["name"]: method for method in client.get("/v1/methods").json()["items"]}
    assert methods.keys() == METHODS.keys()
    for name in methods:
        sparsity = 0 if name == "none" else SMALLEST["sparsity"]
        request = SMALLEST | {"method": name, "sparsity": sparsity}
        assert client.post("/v1/jobs", json=request).status_code == 201
    assert "|W|" in methods["gblm"]["formula"]
    assert methods["gblm"]["options"]["properties"]["alpha"]["maximum"] == 1e6


@pytest.mark.parametrize("pattern", [{"sparsity": 0.5}, {"pattern": "2:4"}])
def test_a_job_keeps_the_name_of_the_grade_that_was_asked_for(
    client: TestClient, pattern: dict[str, Any]
) -> None:
    for method in ("best", "recovered", "gblm", "admm"):
        job = client.post("/v1/jobs", json={"model": "org/name", "method": method, **pattern}).json()
        assert job["method"] == method
        again = client.post("/v1/jobs", json=job["spec"] | {"name": "again"}).json()
        assert (again["method"], again["spec"]["method"]) == (method, job["spec"]["method"])
        listed = client.get(f"/v1/jobs?method={method}").json()["items"]
        assert [one["id"] for one in listed] == [again["id"], job["id"]]
