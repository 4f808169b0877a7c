"""Jobs from the request to the download, with real processes and both kinds of store."""

import hashlib
from pathlib import Path
from uuid import UUID

import pytest
import torch
from transformers import AutoModelForCausalLM

from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import StageFinished
from jobs.states import JobState
from jobs.storage.store import Store
from tests.stack import Stack


def test_a_job_is_submitted_run_and_downloaded_over_http(stack: Stack, tmp_path: Path) -> None:
    stack.start_dispatcher()
    stack.start_worker()
    client = stack.start_api()
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
    assert list((tmp_path / "work").iterdir()) == []

    visible = stack.logs() + "".join(str(event.data) for event in stack.events(job_id))
    for name in ("DATABASE_URL", "BROKER_URL"):
        password = stack.environment[name].split("@")[0].rpartition(":")[2]
        assert password not in visible


@pytest.mark.parametrize("store_url", ["directory"], indirect=True)
def test_a_worker_keeps_working_after_jobs_that_cannot_be_run(
    stack: Stack, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stack.start_dispatcher()
    stack.start_worker()
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


@pytest.mark.parametrize("store_url", ["s3"], indirect=True)
def test_a_running_job_is_cancelled_between_two_steps(stack: Stack, store_url: str) -> None:
    stack.start_dispatcher()
    stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_running(job_id)
    with stack.database.begin() as session:
        assert lifecycle.cancel(session, "ada", job_id)
    assert stack.wait_for_end(job_id).state == JobState.CANCELLED
    assert stack.artifacts(job_id) == {}
    # Only what a retry would resume from is left.
    assert all("/blocks/" in found.key for found in Store(store_url).list("jobs"))
