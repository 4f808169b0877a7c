"""Sweeps and searches over REST, with jobs that end as a worker would end them."""

from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.sweeps import sweeps
from tests.api.drive import DENSE, JOB, Jobs, SweepRunner, perplexity, report_of, submit_sweep
from tests.claims import claimed

SMALLER = {"max_perplexity": 30.0, "over": "structure"}


@pytest.mark.parametrize(
    "odd", [r'"\u0000"', r'"\ud800"', r'"\u001b[31m"', r'{"\u0000": 1}', "NaN", "[" * 20 + "]" * 20]
)
@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"job": {"model": "org/name", "sparsity": %s}, "vary": {"pattern": ["2:4", "4:8"]}}', "job"),
        ('{"job": {"model": "org/name"}, "vary": {"method": [null], "pattern": [%s]}}', "vary.pattern"),
    ],
)
def test_what_no_job_of_a_sweep_reads_is_checked_as_well(
    client: TestClient, odd: str, body: str, field: str
) -> None:
    headers = {"content-type": "application/json"}
    answer = client.post("/v1/sweeps", content=body % odd, headers=headers)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert client.get("/v1/sweeps").json()["items"] == []


def test_every_combination_is_a_job_and_a_pattern_has_its_own_sparsity(
    client: TestClient, runner: SweepRunner
) -> None:
    vary = {"sparsity": [0.3, 0.5], "pattern": ["unstructured", "2:4"], "method": ["wanda", "gblm"]}
    job = {"model": "org/name", "labels": {"team": "search"}}
    sweep = submit_sweep(client, job=job, vary=vary)
    kinds = [(job["sparsity"], job["pattern"], job["method"]) for job in sweep["jobs"]]
    assert sorted(kinds) == sorted(
        [(share, "unstructured", method) for share in (0.3, 0.5) for method in ("wanda", "gblm")]
        + [(0.5, "2:4", method) for method in ("wanda", "gblm")]
    )
    assert {job["labels"]["team"] for job in sweep["jobs"]} == {"search"}
    assert runner.run(sweep["id"], client)["state"] == "succeeded"


def test_repeated_values_make_one_job_and_the_limit_counts_jobs(
    client: TestClient,
) -> None:
    repeated = submit_sweep(client, vary={"sparsity": [0.3, 0.5, 0.3]})
    assert sorted(job["sparsity"] for job in repeated["jobs"]) == [0.3, 0.5]
    # 40 sparsities, each of which the pattern 2:4 replaces: 41 jobs of 80 pairs.
    sparsities = [number / 100 for number in range(10, 50)]
    paired = submit_sweep(client, vary={"sparsity": sparsities, "pattern": ["unstructured", "2:4"]})
    assert len(paired["jobs"]) == 41


@pytest.mark.parametrize(
    ("vary", "number"),
    [
        ({"sparsity": [0.5]}, "only one job"),
        ({"sparsity": [0.2, 0.4], "pattern": ["2:4"]}, "only one job"),
        (
            {"sparsity": [number / 100 for number in range(10, 74)], "pattern": ["unstructured", "2:4"]},
            "more than 64 jobs",
        ),
    ],
)
def test_a_sweep_of_too_few_or_too_many_jobs_is_refused_with_the_limit(
    client: TestClient, vary: dict[str, Any], number: str
) -> None:
    answer = client.post("/v1/sweeps", json={"job": JOB, "vary": vary})
    (error,) = answer.json()["errors"]
    assert error == {"field": "vary", "message": f"makes {number}; a sweep has 2 to 64 different ones"}


def test_a_search_that_finds_nothing_fails_with_a_reason(client: TestClient, runner: SweepRunner) -> None:
    ended = runner.run(submit_sweep(client, target={"max_perplexity": DENSE / 2})["id"], client)
    assert ended["state"] == "failed"
    assert "0.05" in ended["error"]


def test_a_search_goes_on_when_its_failed_job_is_retried(
    client: TestClient, runner: SweepRunner, database: Database
) -> None:
    sweep = submit_sweep(client, target={"max_perplexity_increase": 0.25})
    (job,) = sweep["jobs"]
    with database.begin() as session:
        claim = claimed(session, UUID(job["id"]), "worker", 3000)
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
        sweeps.advance(session)
    assert client.get(f"/v1/sweeps/{sweep['id']}").json()["state"] == "failed"
    assert client.post(f"/v1/jobs/{job['id']}/retry").status_code == 200
    assert runner.run(sweep["id"], client)["search"]["met"] <= 0.5


def test_cancelling_a_sweep_cancels_its_unfinished_jobs(client: TestClient, jobs: Jobs) -> None:
    sweep = submit_sweep(client, vary={"sparsity": [0.2, 0.4]})
    cancelled = client.post(f"/v1/sweeps/{sweep['id']}/cancel").json()
    assert cancelled["state"] == "cancelled"
    assert {job["state"] for job in cancelled["jobs"]} == {"cancelled"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"job": JOB}, "body"),
        ({}, "job"),
        ({"job": JOB, "vary": {"sparsity": [0.5]}}, "vary"),
        ({"job": JOB, "vary": {"sparsity": [0.5, 0.5]}}, "vary"),
        ({"job": JOB | {"pattern": "2:4"}, "vary": {"sparsity": [0.3, 0.5]}}, "vary"),
        ({"job": JOB, "vary": {"sparsity": [0.1] * 65}}, "vary.sparsity"),
        ({"job": JOB, "vary": {"sparsity": [0.5, 1.5]}}, "vary.sparsity.1"),
        ({"job": JOB, "vary": {"sparsity": [0.5, 0.5, "NaN"]}}, "vary.sparsity.2"),
        ({"job": JOB | {"dtype": "int4"}, "vary": {"sparsity": [0.1, 0.5]}}, "job.dtype"),
        (
            {"job": {"model": "org/name", "sparsity": 0.5}, "vary": {"method": ["wanda", "magic"]}},
            "vary.method.1",
        ),
        (
            {
                "job": {"model": "org/name", "sparsity": 0.5},
                "vary": {"method": ["wanda", {"name": "gblm", "alpha": "x"}]},
            },
            "vary.method.1.alpha",
        ),
        ({"job": JOB | {"sparsity": 0.5}, "vary": {"pattern": ["unstructured", "4:2"]}}, "vary.pattern.1"),
        ({"job": JOB | {"sparsity": 0.5}, "target": {"max_perplexity": 30.0}}, "body"),
        ({"job": JOB | {"pattern": "2:4"}, "target": {"max_perplexity": 30.0}}, "job.pattern"),
        ({"job": JOB, "target": {"max_perplexity": -1.0}}, "target.max_perplexity"),
        (
            {"job": {"model": "org/name", "structure": {"kv_heads": 1}}, "target": SMALLER},
            "job.structure.kv_heads",
        ),
        ({"job": {"model": "org/name", "structure": "half"}, "target": SMALLER}, "job.structure"),
        ({"job": JOB | {"gate": {"max_kl": 1.0}}, "target": SMALLER}, "body"),
        ({"job": JOB, "target": {"max_bytes": 100_000}}, "target.max_bytes"),
        ({"job": JOB, "target": {"max_parameters": 50_000}}, "target.max_parameters"),
        ({"job": JOB, "target": {"format": "gguf", "max_perplexity": 9.0}}, "target"),
        ({"job": JOB | {"model": "/etc"}, "vary": {"sparsity": [0.1, 0.2]}}, "model.id"),
    ],
)
def test_a_bad_sweep_is_refused_whole(client: TestClient, body: dict[str, Any], field: str) -> None:
    answer = client.post("/v1/sweeps", json=body)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert client.get("/v1/jobs").json()["items"] == []


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
    asked = {job["id"]: spec["structure"] for job, spec in zip(answer.json()["jobs"], specs, strict=True)}
    assert answer.json()["structures"] == {job_id: cut for job_id, cut in asked.items() if cut}
    # Nothing at all is no job, and a model that is only cut has no sparsity.
    assert sorted(kinds) == [
        *((False, True, 0.3), (False, True, 0.5)),
        *((True, False, 0.0), (True, True, 0.3), (True, True, 0.5)),
    ]
    page = client.get(f"/sweeps/{answer.json()['id']}").text
    assert "structure none, mlp channels 0.25" in page
    for column in ("Pruning", "Size", "Speed"):
        assert f">{column}</th>" in page


def test_the_smallest_model_within_a_bound_is_found_by_bisection(
    client: TestClient, database: Database
) -> None:
    target = {"max_perplexity_increase": 0.25, "over": "structure"}
    sweep = submit_sweep(client, job={"model": "org/name"}, target=target)

    def measured(claim: lifecycle.Claim) -> dict[str, Any]:
        structure = claim.spec.recipe.structure
        assert structure is not None
        assert structure.parameters is not None
        return report_of(claim) | {
            "perplexity": {"dense": DENSE, "pruned": perplexity(structure.parameters)},
            "speed": {"bytes": 1000, "speedup": 1.2, "peak_memory_bytes": 1},
        }

    ended = SweepRunner(database, measured).run(sweep["id"], client)
    assert ended["state"] == "succeeded"
    # 1 + s² is 1.25 at 0.5.
    assert 0.48 <= ended["search"]["met"] <= 0.5
    (best,) = [job for job in ended["jobs"] if job["id"] == ended["search"]["best_job"]]
    spec = client.get(f"/v1/jobs/{best['id']}").json()["spec"]
    assert spec["structure"]["parameters"] == ended["search"]["met"]
    page = client.get(f"/sweeps/{ended['id']}").text
    assert "smallest with perplexity at most 25 % over dense" in page
    assert "of the blocks&#39; parameters taken out" in page or "of the blocks' parameters taken out" in page
