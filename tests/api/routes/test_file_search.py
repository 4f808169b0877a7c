"""Searches for an exported file over REST: the best of a size, and the sparsest within a bound."""

from functools import partial
from pathlib import Path
from threading import current_thread
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.actions import sweeps as actions
from jobs.database import Database
from jobs.lifecycle import lifecycle
from pruning.byte_size import byte_size
from pruning.estimate import ModelShape
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.disk import exported_files
from pruning.recipe.exports import GGUF_TYPES, Export, GgufExport
from tests.api.drive import DENSE, LLAMA, SweepRunner

SHAPE = shape_of_config(LLAMA)


def size_of(export: Export, *, cut: bool = False) -> int:
    """A file of the dense model, or of one that is half as large."""
    return int(1.03 * exported_files(SHAPE, [export]) * (0.5 if cut else 1))


def report_of(claim: lifecycle.Claim, loss: float) -> dict[str, Any]:
    """Zeros and cuts lose so much more than a type does."""
    recipe = claim.spec.recipe
    lost = loss * (recipe.sparsity + (0.25 if recipe.structure else 0))
    files = [
        {
            "name": export.name,
            "path": f"exports/{export.name}",
            "bytes": size_of(export, cut=recipe.structure is not None),
            "dense_bytes": 2 * SHAPE.parameters,
            "perplexity": DENSE * (1 + lost + 1 / export.bits**2),
            "dense_perplexity": DENSE,
            "kl": lost + 1 / export.bits**2,
            "agreement": 0.9,
            "rates": [],
        }
        for export in claim.spec.exports
    ]
    return {
        "perplexity": {"dense": DENSE, "pruned": DENSE * (1 + lost)},
        "sparsity": {"overall": recipe.sparsity},
        "zero_shot": None,
        "exports": files,
    }


def submit(client: TestClient, **body: object) -> dict[str, Any]:
    answer = client.post("/v1/sweeps", json=body)
    assert answer.status_code == 201, answer.text
    sweep: dict[str, Any] = answer.json()
    return sweep


@pytest.mark.parametrize(("loss", "dense_wins"), [(0.0001, False), (1.0, True)])
def test_the_best_file_of_a_size_is_that_of_the_lowest_divergence(
    client: TestClient, llama: str, database: Database, loss: float, dense_wins: bool
) -> None:
    job = {"model": llama, "structure": {"mlp_channels": 0.25}}
    bound = size_of(GgufExport(type="Q5_0"))
    sweep = submit(client, job=job, target={"max_bytes": bound, "format": "gguf"})
    dense, cut = (client.get(f"/v1/jobs/{one['id']}").json()["spec"] for one in sweep["jobs"])
    assert (dense["method"], dense["structure"]) == ({"name": "none"}, None)
    assert cut["structure"]["mlp_channels"] == 0.25
    small = {name for name in GGUF_TYPES if size_of(GgufExport(type=name)) <= 1.03 * bound}
    assert {one["type"] for one in dense["exports"]} <= small
    ended = SweepRunner(database, partial(report_of, loss=loss)).run(sweep["id"], client)
    assert ended["state"] == "succeeded"
    files = ended["search"]["files"]
    assert len(files) == len(dense["exports"]) + len(cut["exports"])
    best = min((one for one in files if one["bytes"] <= bound), key=lambda one: one["kl"])
    assert files[0] == best
    assert (ended["search"]["best_job"], ended["search"]["best_file"]) == (best["job_id"], best["name"])
    assert (best["job_id"] == sweep["jobs"][0]["id"]) == dense_wins
    for file in files:
        other = [(one["bytes"], one["kl"]) for one in files]
        as_good = {one for one in other if one[0] <= file["bytes"] and one[1] <= file["kl"]}
        assert file["on_front"] == (as_good == {(file["bytes"], file["kl"])})
    page = client.get(f"/sweeps/{sweep['id']}").text
    assert f"best gguf file with at most {byte_size(bound)}" in page
    assert f"<dd>{'not pruned' if dense_wins else 'MLP'}" in page
    assert f", {best['name']}</dd>" in page
    assert f"{byte_size(best['bytes'])}, KL {best['kl']:.4g} nats" in page
    assert client.get(f"/sweeps/{sweep['id']}/front.svg?files=true").status_code == 200


def test_a_size_that_no_file_has_is_refused_or_fails(
    client: TestClient, llama: str, database: Database
) -> None:
    job = {"model": llama}
    answer = client.post("/v1/sweeps", json={"job": job, "target": {"max_bytes": 100, "format": "gguf"}})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "target.max_bytes"
    smallest = min(exported_files(SHAPE, [GgufExport(type=name)]) for name in GGUF_TYPES)
    nearly = {"max_bytes": smallest, "format": "gguf"}
    sweep = submit(client, job=job, target=nearly)
    assert len(sweep["jobs"]) == 1
    ended = SweepRunner(database, partial(report_of, loss=0.0)).run(sweep["id"], client)
    assert ended["state"] == "failed"
    assert "bytes" in ended["error"]


def test_a_size_without_a_format_says_what_to_add(client: TestClient, llama: str) -> None:
    answer = client.post("/v1/sweeps", json={"job": {"model": llama}, "target": {"max_bytes": 200_000}})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {
            "field": "target.max_bytes",
            "message": "needs a format: set format to gguf, to find the best file of this size",
            "value": "200000",
        }
    ]
    assert client.get("/v1/jobs").json()["items"] == []


@pytest.mark.parametrize(
    ("failing", "state", "error"),
    [("cut", "succeeded", None), ("both", "failed", "2 of 2 jobs failed; read their errors, and retry them")],
)
def test_a_cut_that_the_family_refuses_is_no_answer(
    client: TestClient, llama: str, database: Database, failing: str, state: str, error: str | None
) -> None:
    job = {"model": llama, "structure": {"mlp_channels": 0.25}}
    sweep = submit(client, job=job, target={"max_bytes": size_of(GgufExport(type="Q5_0")), "format": "gguf"})

    def measured(claim: lifecycle.Claim) -> dict[str, Any] | None:
        fails = failing == "both" or claim.spec.recipe.structure is not None
        return None if fails else report_of(claim, loss=0.0)

    ended = SweepRunner(database, measured).run(sweep["id"], client)
    assert (ended["state"], ended["error"]) == (state, error)
    assert ended["search"]["best_job"] == (None if failing == "both" else sweep["jobs"][0]["id"])


def test_a_size_needs_a_config_that_the_api_can_read(client: TestClient, llama: str) -> None:
    Path(llama, "config.json").write_text("{}")
    target = {"max_bytes": 200_000, "format": "gguf"}
    answer = client.post("/v1/sweeps", json={"job": {"model": llama}, "target": target})
    assert [error["field"] for error in answer.json()["errors"]] == ["model.id"]


@pytest.mark.threat
def test_a_model_is_read_in_a_pool(client: TestClient, llama: str, monkeypatch: pytest.MonkeyPatch) -> None:
    threads, real = [], actions.shape_of

    def counted(*arguments: Any) -> ModelShape:
        threads.append(current_thread().name)
        return real(*arguments)

    monkeypatch.setattr(actions, "shape_of", counted)
    submit(client, job={"model": llama}, target={"max_bytes": 10**7, "format": "gguf"})
    assert [name[:3] for name in threads] == ["hub"]


def test_a_repeated_search_is_answered_without_its_model(client: TestClient, llama: str) -> None:
    request = {"job": {"model": llama}, "target": {"max_bytes": 10**7, "format": "gguf"}}
    headers = {"Idempotency-Key": "one"}
    first = client.post("/v1/sweeps", json=request, headers=headers)
    Path(llama, "config.json").unlink()
    again = client.post("/v1/sweeps", json=request, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = request | {"target": {"max_bytes": 10**7 - 1, "format": "gguf"}}
    assert client.post("/v1/sweeps", json=other, headers=headers).status_code == 422


def test_a_search_within_a_bound_on_a_file_judges_that_file(client: TestClient, database: Database) -> None:
    job = {"model": "org/name", "method": "wanda", "exports": ["gguf:Q8_0"]}
    target = {"export": "gguf:Q8_0", "max_perplexity_increase": 0.25 + 1 / 8.5**2}
    sweep = submit(client, job=job, target=target)
    ended = SweepRunner(database, partial(report_of, loss=0.5)).run(sweep["id"], client)
    assert 0.48 <= ended["search"]["met"] <= 0.5
    page = client.get(f"/sweeps/{ended['id']}").text
    assert "sparsest with perplexity of gguf:Q8_0 at most" in page
    met = next(one for one in ended["jobs"] if one["id"] == ended["search"]["best_job"])
    assert f"perplexity {met['exports'][0]['perplexity']:.2f}" in page
    assert {one["gate"]["export"] for one in ended["jobs"]} == {"gguf:Q8_0"}


def test_a_search_on_a_file_that_its_jobs_do_not_export_is_refused(client: TestClient) -> None:
    target = {"export": "gguf:Q8_0", "max_perplexity": 9.0}
    body = {"job": {"model": "org/name", "method": "wanda"}, "target": target}
    answer = client.post("/v1/sweeps", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "job.gate"
    assert "exports" in error["message"]
