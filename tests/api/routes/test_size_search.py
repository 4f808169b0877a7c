"""Searches for the best model of a size, searches over structure, and sweeps of structures, over REST."""

import json
from pathlib import Path
from threading import current_thread
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.actions import sweeps as actions
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.sweeps import sweeps
from jobs.sweeps.shapes import Shape, shapes
from jobs.tables import Job
from pruning.byte_size import byte_size
from tests.api.drive import SweepRunner
from tests.jobs.sweeps.llama import LLAMA

DENSE = 20.0


def structures(sweep: dict[str, Any], client: TestClient) -> list[dict[str, Any]]:
    details = [client.get(f"/v1/jobs/{job['id']}").json()["spec"] for job in sweep["jobs"]]
    return [
        {name: spec["structure"][name] for name in ("blocks", "kv_heads", "mlp_channels", "multiple_of")}
        for spec in details
    ]


class Measurement:
    """Perplexity that grows with what a job takes out, by the given weights; the first `failing` fail."""

    def __init__(self, *, of_heads: float = 2.0, failing: int = 0) -> None:
        self._of_heads, self._failing = of_heads, failing
        self.perplexities: dict[str, float] = {}

    def __call__(self, claim: lifecycle.Claim) -> dict[str, Any] | None:
        if self._failing > 0:
            self._failing -= 1
            return None
        structure = claim.spec.recipe.structure
        assert structure is not None
        gone = (structure.parameters or 0) + (structure.mlp_channels or 0) / 128 + (structure.blocks or 0)
        perplexity = DENSE * (1 + gone**2 + self._of_heads * (structure.kv_heads or 0) / 4)
        self.perplexities[str(claim.job_id)] = perplexity
        parameters = int(66_000 - 36_864 * gone - 24_576 * (structure.kv_heads or 0) / 4)
        return {
            "perplexity": {"dense": DENSE, "pruned": perplexity},
            "sparsity": {"overall": 0.0, "layers": []},
            "structure": {"parameters": parameters, "dense_parameters": 66_000},
            "speed": {"bytes": 2 * parameters, "speedup": 66_000 / parameters, "peak_memory_bytes": 1},
            "zero_shot": None,
            "warnings": [],
        }

    @property
    def best(self) -> str:
        """The job of the lowest perplexity."""
        return min(self.perplexities, key=lambda job_id: self.perplexities[job_id])


def test_the_best_model_of_a_size_is_that_of_the_lowest_perplexity(
    client: TestClient, llama: str, database: Database
) -> None:
    job = {"model": llama, "structure": {"multiple_of": 8}}
    answer = client.post("/v1/sweeps", json={"job": job, "target": {"max_parameters": 50_000}})
    assert answer.status_code == 201, answer.text
    sweep = answer.json()
    assert len(sweep["jobs"]) == len(sweep["search"]["shapes"]) == 4
    asked = structures(sweep, client)
    for shape, structure in zip(sweep["search"]["shapes"], asked, strict=True):
        expected = {"blocks": None, "kv_heads": None, "mlp_channels": None} | shape["structure"]
        assert structure == expected | {"multiple_of": None}
        assert shape["parameters"] <= 50_000
    measured = Measurement()
    ended = SweepRunner(database, measured).run(sweep["id"], client)
    assert ended["state"] == "succeeded"
    assert ended["search"]["best_job"] == measured.best
    assert measured.best in ended["search"]["front"]
    for job in ended["jobs"]:
        (condition,) = job["gate"]["conditions"]
        assert (condition["name"], condition["limit"]) == ("max_parameters", 50_000)
    page = client.get(f"/sweeps/{sweep['id']}").text
    assert "best with at most 50,000 parameters" in page
    assert "4 shapes" in page
    assert client.get(f"/sweeps/{sweep['id']}/front.svg").status_code == 200
    assert "best with at most 50,000 parameters" in client.get("/sweeps").text


def test_a_running_search_shows_its_best_model_so_far(
    client: TestClient, llama: str, database: Database
) -> None:
    job = {"model": llama, "name": "small"}
    body = {"job": job, "target": {"max_parameters": 50_000, "max_jobs": 4}}
    sweep = client.post("/v1/sweeps", json=body).json()
    assert sweep["search"]["best_job"] is None
    assert "no model has met the bound yet" in client.get(f"/sweeps/{sweep['id']}").text
    measured = Measurement()
    runner = SweepRunner(database, measured)
    for ended in range(1, len(sweep["jobs"])):
        runner.end(UUID(sweep["jobs"][ended - 1]["id"]))
        best = measured.best
        (listed,) = client.get("/v1/sweeps").json()["items"]
        for found in (client.get(f"/v1/sweeps/{sweep['id']}").json(), listed):
            assert (found["state"], found["search"]["best_job"]) == ("running", best)
        (bytes_of_best,) = [
            job["weight_bytes"] for job in client.get("/v1/jobs").json()["items"] if job["id"] == best
        ]
        page = client.get(f"/sweeps/{sweep['id']}").text
        answer = page.partition("<dt>Answer so far</dt>")[2].partition("</div>")[0]
        assert f'href="/jobs/{best}"' in answer
        assert byte_size(bytes_of_best) in answer
        assert f"{measured.perplexities[best]:.2f}" in answer
        assert "no model has met" not in page
        assert page.count(">Met<") == ended
        shown = client.get("/sweeps").text
        assert byte_size(bytes_of_best) in shown
        assert f"{measured.perplexities[best]:.2f}" in shown


def test_of_equal_perplexities_the_smallest_model_is_the_answer_everywhere(
    client: TestClient, llama: str, database: Database
) -> None:
    body = {"job": {"model": llama}, "target": {"max_parameters": 50_000, "max_jobs": 2}}
    sweep = client.post("/v1/sweeps", json=body).json()
    smaller, larger = (job["id"] for job in sweep["jobs"])
    with database.begin() as session:
        for job_id, size in ((larger, 100_000), (smaller, 90_000)):
            job = session.get_one(Job, UUID(job_id))
            job.pruned_perplexity, job.gate = DENSE, {"state": "passed", "conditions": []}
            job.figures = {"weight_bytes": size}
    (listed,) = client.get("/v1/sweeps").json()["items"]
    alone = client.get(f"/v1/sweeps/{sweep['id']}").json()
    assert [found["search"]["best_job"] for found in (alone, listed)] == [smaller, smaller]


def test_a_search_measures_the_speed_of_its_best_alone(
    client: TestClient, llama: str, database: Database
) -> None:
    job = {"model": llama, "structure": {"multiple_of": 8}}
    for target, measures_all in (({"max_parameters": 50_000}, False), ({"min_speedup": 1.3}, True)):
        sweep = client.post("/v1/sweeps", json={"job": job, "target": target}).json()
        first, last = (UUID(sweep["jobs"][number]["id"]) for number in (0, -1))
        with database.begin() as session:
            assert sweeps.wants_speed(session, first, 1e9)  # nothing has been found yet
            ended = session.get_one(Job, first)
            ended.pruned_perplexity, ended.gate = 20.0, {"state": "passed", "conditions": []}
        with database.begin() as session:
            assert sweeps.wants_speed(session, last, 19.9)
            assert sweeps.wants_speed(session, last, 20.1) == measures_all
            session.get_one(Job, first).gate = {"state": "failed", "conditions": []}
        with database.begin() as session:
            assert sweeps.wants_speed(session, last, 20.1)
    alone = client.post("/v1/jobs", json={"model": llama, "method": "magnitude", "sparsity": 0.5}).json()
    with database.begin() as session:
        assert sweeps.wants_speed(session, UUID(alone["id"]), 1e9)


def test_a_shape_that_the_family_refuses_is_no_answer(
    client: TestClient, llama: str, database: Database
) -> None:
    request = {"job": {"model": llama}, "target": {"max_bytes": 100_000}}
    sweep = client.post("/v1/sweeps", json=request).json()
    ended = SweepRunner(database, Measurement(of_heads=0.0, failing=1)).run(sweep["id"], client)
    assert (ended["state"], ended["jobs"][0]["state"]) == ("succeeded", "failed")
    assert ended["search"]["best_job"] in [job["id"] for job in ended["jobs"][1:]]
    again = client.post("/v1/sweeps", json=request).json()
    ended = SweepRunner(database, Measurement(failing=4)).run(again["id"], client)
    assert (ended["state"], ended["error"][:16]) == ("failed", "4 of 4 jobs fail")


def test_a_bound_that_no_model_meets_fails_the_search(
    client: TestClient, llama: str, database: Database
) -> None:
    request = {"job": {"model": llama}, "target": {"min_speedup": 1.3, "max_jobs": 2}}
    sweep = client.post("/v1/sweeps", json=request).json()
    assert len(sweep["jobs"]) == 2
    with database.begin() as session:
        for job in session.query(Job).all():  # what no worker of this test measures that high
            job.spec = job.spec | {"gate": {"max_memory_bytes": 1, "min_speedup": 100.0}}
    ended = SweepRunner(database, Measurement()).run(sweep["id"], client)
    assert (ended["state"], ended["error"]) == ("failed", "none of 2 models meets the bound")


def test_a_mask_on_top_is_that_of_the_job(client: TestClient, llama: str) -> None:
    job = {"model": llama, "method": "wanda", "sparsity": 0.5}
    sweep = client.post("/v1/sweeps", json={"job": job, "target": {"min_speedup": 1.3}}).json()
    assert {job["method"] for job in sweep["jobs"]} == {"wanda"}
    assert {job["sparsity"] for job in sweep["jobs"]} == {0.5}


def test_the_smallest_model_within_a_bound_is_found_by_bisection(
    client: TestClient, llama: str, database: Database
) -> None:
    target = {"max_perplexity_increase": 0.25, "over": "structure"}
    answer = client.post("/v1/sweeps", json={"job": {"model": llama}, "target": target})
    assert answer.status_code == 201, answer.text
    ended = SweepRunner(database, Measurement()).run(answer.json()["id"], client)
    assert ended["state"] == "succeeded"
    # 1 + s² is 1.25 at 0.5.
    assert 0.48 <= ended["search"]["met"] <= 0.5
    (best,) = [job for job in ended["jobs"] if job["id"] == ended["search"]["best_job"]]
    spec = client.get(f"/v1/jobs/{best['id']}").json()["spec"]
    assert spec["structure"]["parameters"] == ended["search"]["met"]
    page = client.get(f"/sweeps/{ended['id']}").text
    assert "smallest with perplexity at most 25 % over dense" in page
    assert "of the blocks&#39; parameters taken out" in page or "of the blocks' parameters taken out" in page


@pytest.mark.parametrize(
    ("job", "target", "field"),
    [
        ({"structure": {"kv_heads": 1}}, {"max_parameters": 50_000}, "job.structure.kv_heads"),
        ({"structure": {"parameters": 0.1}}, {"max_bytes": 100_000}, "job.structure.parameters"),
        ({"structure": "half"}, {"max_bytes": 100_000}, "job.structure"),
        ({"gate": {"max_kl": 1.0}}, {"max_bytes": 100_000}, "body"),
        ({}, {"max_bytes": 10}, "target"),
        ({}, {"max_bytes": 10_000_000}, "target"),
        ({"evaluation": {"speed": "off"}}, {"min_speedup": 1.3}, "job.gate"),
    ],
)
def test_what_cannot_be_searched_names_its_field(
    client: TestClient, llama: str, job: dict[str, Any], target: dict[str, Any], field: str
) -> None:
    answer = client.post("/v1/sweeps", json={"job": {"model": llama} | job, "target": target})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert client.get("/v1/jobs").json()["items"] == []


def test_a_size_needs_a_config_that_the_api_can_read(client: TestClient, llama: str) -> None:
    Path(llama, "config.json").write_text("{}")
    answer = client.post("/v1/sweeps", json={"job": {"model": llama}, "target": {"max_bytes": 1000}})
    assert [error["field"] for error in answer.json()["errors"]] == ["model.id"]


@pytest.mark.threat
def test_shapes_are_counted_in_a_pool_and_a_config_that_fits_none_is_named(
    client: TestClient, llama: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def counted(*args: Any, **options: Any) -> list[Shape]:
        threads.append(current_thread().name)
        return shapes(*args, **options)

    monkeypatch.setattr(actions, "shapes", counted)
    Path(llama, "config.json").write_text(json.dumps(LLAMA | {"num_key_value_heads": 24}))
    answer = client.post("/v1/sweeps", json={"job": {"model": llama}, "target": {"max_bytes": 100_000}})
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["field"] == "job.model"
    assert "24 KV heads" in error["message"]
    assert [name[:3] for name in threads] == ["hub"]


def test_a_repeated_search_is_answered_without_its_model(client: TestClient, llama: str) -> None:
    request = {"job": {"model": llama}, "target": {"max_bytes": 100_000}}
    headers = {"Idempotency-Key": "one"}
    first = client.post("/v1/sweeps", json=request, headers=headers)
    Path(llama, "config.json").unlink()
    again = client.post("/v1/sweeps", json=request, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = request | {"target": {"max_bytes": 99_999}}
    assert client.post("/v1/sweeps", json=other, headers=headers).status_code == 422


@pytest.mark.threat
def test_the_combinations_of_a_sweep_are_bounded_before_they_are_made(client: TestClient) -> None:
    shares = [number / 100 for number in range(10, 43)]
    patterns = [f"{number}:64" for number in range(1, 33)]
    for vary, message in (
        (
            {"sparsity": shares, "pattern": patterns},
            "makes 1056 combinations of values; at most 1024 are tried",
        ),
        ({"structure": [None], "method": [None]}, "makes no job at all; a sweep has 2 to 64 different ones"),
    ):
        answer = client.post("/v1/sweeps", json={"job": {"model": "org/name"}, "vary": vary})
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"] == [{"field": "vary", "message": message}]


def test_structures_and_masks_are_compared_in_one_sweep(client: TestClient) -> None:
    vary = {"structure": [None, {"mlp_channels": 0.25}], "method": [None, "gblm"], "sparsity": [0.3, 0.5]}
    answer = client.post("/v1/sweeps", json={"job": {"model": "org/name"}, "vary": vary})
    assert answer.status_code == 201, answer.text
    specs = [client.get(f"/v1/jobs/{job['id']}").json()["spec"] for job in answer.json()["jobs"]]
    kinds = [(spec["structure"] is not None, spec["method"] is not None, spec["sparsity"]) for spec in specs]
    # Nothing at all is no job, and a model that is only cut has no sparsity.
    assert sorted(kinds) == [
        *((False, True, 0.3), (False, True, 0.5)),
        *((True, False, 0.0), (True, True, 0.3), (True, True, 0.5)),
    ]
    page = client.get(f"/sweeps/{answer.json()['id']}").text
    assert "structure none, mlp channels 0.25" in page
    for column in ("Pruning", "Size", "Speed"):
        assert f">{column}</th>" in page
