"""Jobs from the request to the download, with real processes and both kinds of store."""

import hashlib
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import torch
from transformers import AutoModelForCausalLM

from jobs.lifecycle import owner_moves
from jobs.lifecycle.events import StageFinished
from jobs.states import JobState
from jobs.storage.store import Store
from tests.conftest import S3
from tests.stack import Stack


@pytest.fixture(scope="module")
def service(shared_stack: Stack) -> tuple[Stack, httpx.Client]:
    """The running service, and a client of its API."""
    shared_stack.start_dispatcher()
    shared_stack.start_worker()
    return shared_stack, shared_stack.start_api()


@pytest.mark.parametrize("shared_stack", ["directory", "s3"], indirect=True)
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

    model = tmp_path / "model"
    model.mkdir()
    for artifact in client.get(f"/v1/jobs/{job_id}/artifacts").json()["items"]:
        file = client.get(f"/v1/jobs/{job_id}/artifacts/{artifact['id']}/content").content
        assert hashlib.sha256(file).hexdigest() == artifact["sha256"]
        (model / artifact["name"]).write_bytes(file)
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


@pytest.mark.parametrize("shared_stack", ["directory"], indirect=True)
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
