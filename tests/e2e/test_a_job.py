"""Jobs from the request to the download, and searches, with real processes and both kinds of store.

All of them run on one service. Those of other files keep artifacts in a directory.
"""

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import torch
from transformers import AutoModelForCausalLM

from jobs.lifecycle import owner_moves
from jobs.lifecycle.events import LogMessage, StageFinished, StepFinished
from jobs.states import JobState
from jobs.storage.store import Store
from pruning.recipe import Stage
from tests.conftest import S3
from tests.stack import Stack
from tests.tiers import nightly


@pytest.fixture(scope="module")
def service(shared_stack: Stack) -> tuple[Stack, httpx.Client]:
    """The running service, and a client of its API."""
    shared_stack.start_scheduler()
    shared_stack.start_worker()
    return shared_stack, shared_stack.start_api()


def downloaded(client: httpx.Client, job_id: UUID, directory: Path) -> Path:
    """Download every artifact of a job into a new directory, and return that."""
    directory.mkdir()
    for artifact in client.get(f"/v1/jobs/{job_id}/artifacts").json()["items"]:
        file = client.get(f"/v1/jobs/{job_id}/artifacts/{artifact['id']}/content").content
        assert hashlib.sha256(file).hexdigest() == artifact["sha256"]
        (directory / artifact["name"]).write_bytes(file)
    return directory


@pytest.mark.parametrize("shared_stack", ["s3", nightly("directory")], indirect=True)
def test_a_job_is_submitted_run_and_downloaded_over_http(
    service: tuple[Stack, httpx.Client], tmp_path: Path
) -> None:
    stack, client = service
    body = stack.spec().as_request()
    submitted = client.post("/v1/jobs", json=body)
    assert submitted.status_code == 201, submitted.text
    job_id = UUID(submitted.json()["id"])
    job = stack.wait_for_end(job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1), job.error
    assert client.get(f"/v1/jobs/{job_id}").json()["state"] == "succeeded"

    model = downloaded(client, job_id, tmp_path / "model")
    assert {"model.safetensors", "masks.safetensors", "pruning_report.json", "config.json"} <= {
        path.name for path in model.iterdir()
    }
    for name, weight in AutoModelForCausalLM.from_pretrained(model).named_parameters():
        if "proj" in name:
            assert torch.equal((weight == 0).sum(dim=1), torch.full((weight.shape[0],), weight.shape[1] // 2))

    assert job.report is not None
    assert job.report["perplexity"]["pruned"] == job.pruned_perplexity
    stages = [event.data.stage for event in stack.events(job_id) if isinstance(event.data, StageFinished)]
    assert stages == ["resolve", "gradients", "prune", "evaluate", "upload"]
    assert list(Path(stack.environment["PRUNESERVE_WORK_DIR"]).iterdir()) == []

    visible = stack.logs() + "".join(str(event.data) for event in stack.events(job_id))
    for name in ("DATABASE_URL", "BROKER_URL"):
        password = stack.environment[name].split("@")[0].rpartition(":")[2]
        assert password not in visible


@pytest.mark.parametrize("shared_stack", ["s3"], indirect=True)
def test_a_worker_keeps_working_after_jobs_that_cannot_be_run(
    service: tuple[Stack, httpx.Client], tmp_path_factory: pytest.TempPathFactory
) -> None:
    stack, _ = service
    missing = stack.submit(stack.spec(model=str(stack.model.parent / "nowhere")))
    outside = stack.submit(stack.spec(model=str(tmp_path_factory.mktemp("outside"))))
    indivisible = stack.submit(stack.spec(pattern="3:7", sparsity=None))
    good = stack.submit(stack.spec(method="magnitude"))
    for job_id, field in ((missing, "model.id"), (outside, "model.id"), (indivisible, "pattern")):
        job = stack.wait_for_end(job_id)
        assert job.state == JobState.FAILED
        assert job.error is not None
        assert (job.error["type"], job.error["field"]) == ("invalid_input", field)
        assert stack.artifacts(job_id) == {}
    job = stack.wait_for_end(good)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1), job.error


@pytest.mark.parametrize("shared_stack", ["s3"], indirect=True)
def test_a_smaller_model_is_kept_and_the_next_job_uses_its_gates(
    service: tuple[Stack, httpx.Client], tmp_path: Path
) -> None:
    stack, client = service
    first = stack.submit(stack.spec(method=None, sparsity=None, structure={"mlp_channels": 0.25}))
    job = stack.wait_for_end(first)
    assert (job.state, job.attempt, job.method) == (JobState.SUCCEEDED, 1, "structure"), job.error
    stages = [event.data.stage for event in stack.events(first) if isinstance(event.data, StageFinished)]
    assert stages == ["resolve", "gradients", "cut", "evaluate", "speed", "upload"]

    smaller = AutoModelForCausalLM.from_pretrained(downloaded(client, first, tmp_path / "model"))
    dense = AutoModelForCausalLM.from_pretrained(stack.model)
    assert smaller.config.intermediate_size == round(0.75 * dense.config.intermediate_size)
    assert job.report is not None
    assert job.report["structure"]["parameters"] == smaller.num_parameters() < dense.num_parameters()

    second = stack.submit(stack.spec(method=None, sparsity=None, structure={"mlp_channels": 0.5}))
    assert stack.wait_for_end(second).state == JobState.SUCCEEDED
    messages = [event.data.message for event in stack.events(second) if isinstance(event.data, LogMessage)]
    assert any(message.startswith("gradients: reusing") for message in messages)


@pytest.mark.nightly
@pytest.mark.parametrize("shared_stack", ["s3"], indirect=True)
def test_searches_share_the_first_jobs_results_and_keep_only_models_that_meet_the_bound(
    service: tuple[Stack, httpx.Client],
) -> None:
    """They compute gradients once, measure the dense model once, and keep only models that meet the bound."""
    stack, client = service
    job = stack.spec(windows=200, seed=1).as_request()  # other windows than those of the jobs before
    for field in ("sparsity", "gate", "stop_when_missed"):
        del job[field]

    def search(**target: float) -> dict[str, Any]:
        submitted = client.post("/v1/sweeps", json={"job": job, "target": {"tolerance": 0.3} | target})
        assert submitted.status_code == 201, submitted.text
        address = submitted.headers["location"]
        stack.wait_until(lambda: client.get(address).json()["state"] != "running")
        ended: dict[str, Any] = client.get(address).json()
        return ended

    # A random model with a vocabulary of 384 guesses: pruning never brings its perplexity far below 384.
    found = search(max_perplexity=400.0)
    assert found["state"] == "succeeded", found
    assert [item["sparsity"] for item in found["jobs"]] == [0.5, 0.725, 0.95]
    assert found["search"]["best_job"] == found["jobs"][-1]["id"]
    nothing = search(max_perplexity=300.0)
    assert nothing["state"] == "failed", nothing

    for item in found["jobs"] + nothing["jobs"]:
        met = item["perplexity"]["pruned"] <= (400 if item in found["jobs"] else 300)
        assert item["gate"]["state"] == ("passed" if met else "failed")
        kept = stack.artifacts(UUID(item["id"])).keys()
        assert ("model.safetensors" in kept, "pruning_report.json" in kept) == (met, True)
        report = stack.job(UUID(item["id"])).report
        assert report is not None
        assert report["perplexity"]["cut_short"] == (not met)
    reports = [stack.job(UUID(item["id"])).report or {} for item in found["jobs"] + nothing["jobs"]]
    assert [report["gradients_reused"] for report in reports] == [False] + [True] * (len(reports) - 1)
    assert [report["dense_perplexity_reused"] for report in reports] == [False] + [True] * (len(reports) - 1)
    assert len({report["perplexity"]["dense"] for report in reports}) == 1
    computed = {
        item["id"]
        for item in found["jobs"] + nothing["jobs"]
        for event in stack.events(UUID(item["id"]))
        if isinstance(event.data, StepFinished) and event.data.stage == Stage.GRADIENTS
    }
    assert len(computed) == 1


@pytest.mark.parametrize("shared_stack", ["s3"], indirect=True)
def test_a_running_job_is_cancelled_between_two_steps(
    service: tuple[Stack, httpx.Client], s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack, _ = service
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_running(job_id)
    with stack.database.begin() as session:
        assert owner_moves.cancel(session, "ada", job_id)
    assert stack.wait_for_end(job_id).state == JobState.CANCELLED
    assert stack.artifacts(job_id) == {}
    # Only what a retry would resume from is left.
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    left = Store(stack.environment["STORE_URL"]).list(f"jobs/{job_id}")
    assert all("/blocks/" in found.key for found in left)
