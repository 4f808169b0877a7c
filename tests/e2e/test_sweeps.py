"""Searches on a real service compute gradients once, measure the dense model once, and keep only models that
meet the bound.
"""

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from jobs.lifecycle.events import StepFinished
from pruning.recipe import Stage
from tests.stack import Stack


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"file://{tmp_path}/store"


def test_searches_share_the_first_jobs_results_and_keep_only_models_that_meet_the_bound(stack: Stack) -> None:
    stack.start_dispatcher()
    stack.start_worker()
    client = stack.start_api()
    job = stack.spec(windows=200).as_request()
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
