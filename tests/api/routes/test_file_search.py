"""Searches for an exported file over REST: the best of a size, and the sparsest within a bound."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.settings import Settings
from jobs.states import JobState
from jobs.sweeps import sweeps
from pruning.byte_size import byte_size
from pruning.estimate.architectures import shape_of_config
from pruning.estimate.disk import exported_files
from pruning.recipe.exports import GGUF_TYPES, Export, GgufExport
from tests.jobs.sweeps.llama import LLAMA

MODEL = LLAMA | {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_attention_heads": 8,
    "head_dim": 32,
}
SHAPE = shape_of_config(MODEL)
DENSE = 20.0


def size_of(export: Export, *, cut: bool = False) -> int:
    """A file of the dense model, or of one that is half as large."""
    return int(1.03 * exported_files(SHAPE, [export]) * (0.5 if cut else 1))


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    (tmp_path / "models").mkdir()
    return settings.model_copy(update={"model_roots": (tmp_path / "models",)})


@pytest.fixture
def llama(tmp_path: Path) -> str:
    directory = tmp_path / "models/llama"
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(MODEL))
    return str(directory)


class Workers:
    """They end every queued job. Zeros and cuts lose so much more than a type does."""

    def __init__(self, database: sessionmaker[Session], loss: float) -> None:
        self._database, self._loss = database, loss

    def run(self, sweep_id: str, client: TestClient) -> dict[str, Any]:
        while True:
            sweep: dict[str, Any] = client.get(f"/v1/sweeps/{sweep_id}").json()
            if sweep["state"] != "running":
                return sweep
            for job in sweep["jobs"]:
                if job["state"] == JobState.QUEUED:
                    self._end(UUID(job["id"]))
            with self._database.begin() as session:
                sweeps.advance(session)

    def _end(self, job_id: UUID) -> None:
        with self._database.begin() as session:
            claim = lifecycle.claim(session, job_id, "worker", 3000)
            assert claim is not None
            recipe = claim.spec.recipe
            lost = self._loss * (recipe.sparsity + (0.25 if recipe.structure else 0))
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
            report = {
                "perplexity": {"dense": DENSE, "pruned": DENSE * (1 + lost)},
                "sparsity": {"overall": recipe.sparsity},
                "zero_shot": None,
                "exports": files,
            }
            assert lifecycle.succeed(session, claim, report, [])


def submit(client: TestClient, **body: object) -> dict[str, Any]:
    answer = client.post("/v1/sweeps", json=body)
    assert answer.status_code == 201, answer.text
    sweep: dict[str, Any] = answer.json()
    return sweep


@pytest.mark.parametrize(("loss", "dense_wins"), [(0.0001, False), (1.0, True)])
def test_the_best_file_of_a_size_is_that_of_the_lowest_divergence(
    client: TestClient, llama: str, database: sessionmaker[Session], loss: float, dense_wins: bool
) -> None:
    job = {"model": llama, "structure": {"mlp_channels": 0.25}}
    bound = size_of(GgufExport(type="Q5_0"))
    sweep = submit(client, job=job, target={"max_bytes": bound, "format": "gguf"})
    dense, cut = (client.get(f"/v1/jobs/{one['id']}").json()["spec"] for one in sweep["jobs"])
    assert (dense["method"], dense["structure"]) == ({"name": "none"}, None)
    assert cut["structure"]["mlp_channels"] == 0.25
    small = {name for name in GGUF_TYPES if size_of(GgufExport(type=name)) <= 1.03 * bound}
    assert {one["type"] for one in dense["exports"]} <= small
    ended = Workers(database, loss).run(sweep["id"], client)
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
    assert f"{byte_size(best['bytes'])}, KL {best['kl']:.4f} nats" in page
    assert client.get(f"/sweeps/{sweep['id']}/front.svg?files=true").status_code == 200


def test_a_size_that_no_file_has_is_refused_or_fails(
    client: TestClient, llama: str, database: sessionmaker[Session]
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
    ended = Workers(database, 0.0).run(sweep["id"], client)
    assert ended["state"] == "failed"
    assert "bytes" in ended["error"]


def test_a_search_within_a_bound_on_a_file_judges_that_file(
    client: TestClient, database: sessionmaker[Session]
) -> None:
    job = {"model": "org/name", "method": "wanda", "exports": ["gguf:Q8_0"]}
    target = {"of": "gguf:Q8_0", "max_perplexity_increase": 0.25 + 1 / 8.5**2}
    ended = Workers(database, 0.5).run(submit(client, job=job, target=target)["id"], client)
    assert 0.48 <= ended["search"]["met"] <= 0.5
    page = client.get(f"/sweeps/{ended['id']}").text
    assert "sparsest with perplexity of gguf:Q8_0 at most" in page
    met = next(one for one in ended["jobs"] if one["id"] == ended["search"]["best_job"])
    assert f"perplexity {met['exports'][0]['perplexity']:.2f}" in page
    assert {one["gate"]["of"] for one in ended["jobs"]} == {"gguf:Q8_0"}


def test_a_search_on_a_file_that_its_jobs_do_not_export_is_refused(client: TestClient) -> None:
    target = {"of": "gguf:Q8_0", "max_perplexity": 9.0}
    body = {"job": {"model": "org/name", "method": "wanda"}, "target": target}
    answer = client.post("/v1/sweeps", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "job.gate"
    assert "exports" in error["message"]
