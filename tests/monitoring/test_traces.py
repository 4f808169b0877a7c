"""One trace goes from the request that submits a job to the upload of its files, through real processes."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from jobs.monitoring import traces
from jobs.monitoring.figures import Part
from jobs.secret_files import WrongSettings
from tests.monitoring.conftest import Run

pytestmark = pytest.mark.timeout(1200)  # the run is made in the first test that asks for it

Span = Mapping[str, Any]
STAGES = ("resolve", "gradients", "prune", "evaluate", "upload")


def id_of(span: Span) -> str:
    return str(span["context"]["span_id"])


def of_the_job(run: Run) -> list[Span]:
    (root,) = [span for span in run.spans if span["name"] == "POST /v1/jobs"]
    return [span for span in run.spans if span["context"]["trace_id"] == root["context"]["trace_id"]]


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span["name"] == name]


def moments(span: Span) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(span["start_time"]), datetime.fromisoformat(span["end_time"])


def test_one_trace_has_the_request_the_attempt_each_stage_and_each_block(run: Run) -> None:
    spans = of_the_job(run)
    (root,), (queued,), (attempt,) = (named(spans, name) for name in ("POST /v1/jobs", "queued", "attempt"))
    assert root["parent_id"] is None
    assert root["attributes"] == {"http.response.status_code": 201}
    assert {queued["parent_id"], attempt["parent_id"]} == {id_of(root)}
    assert attempt["attributes"] == {"job": str(run.job_id), "attempt": 1}
    stages = {stage: named(spans, f"stage {stage}") for stage in STAGES}
    assert {stage: len(found) for stage, found in stages.items()} == dict.fromkeys(STAGES, 1)
    assert {span["parent_id"] for (span,) in stages.values()} == {id_of(attempt)}
    blocks = named(spans, "block")
    for stage in ("gradients", "prune"):
        of_stage = [span for span in blocks if span["attributes"]["stage"] == stage]
        assert len({span["attributes"]["number"] for span in of_stage}) == len(of_stage) == run.blocks
        assert {span["parent_id"] for span in of_stage} == {id_of(stages[stage][0])}
    known = {id_of(span) for span in spans}
    assert all(span["parent_id"] in known for span in spans if span is not root)


def test_it_goes_through_the_api_and_the_worker(run: Run) -> None:
    services = {span["resource"]["attributes"]["service.name"] for span in of_the_job(run)}
    assert services == {"pruneserve-api", "pruneserve-worker"}


def test_a_part_lies_within_the_whole(run: Run) -> None:
    spans = of_the_job(run)
    by_id = {id_of(span): span for span in spans}
    for span in spans:
        began, ended = moments(span)
        assert began <= ended
        whole = by_id.get(span["parent_id"] or "")
        if whole is not None and whole["name"] != "POST /v1/jobs":  # the request has ended long before
            assert moments(whole)[0] <= began <= ended <= moments(whole)[1]


def test_a_job_that_ends_early_has_its_trace_as_well(run: Run) -> None:
    """A job that was submitted without a request is a trace of its own; what was interrupted has ended."""
    attempts = named(list(run.spans), "attempt")
    assert len(attempts) > len(named(of_the_job(run), "attempt"))
    assert {span["parent_id"] for span in attempts if span["attributes"]["job"] != str(run.job_id)} == {None}


@pytest.mark.threat
def test_no_secret_is_in_a_trace(run: Run) -> None:
    assert [secret for secret in run.secrets if secret in str(run.spans)] == []


def test_without_the_setting_nothing_is_loaded() -> None:
    code = (
        "import sys, jobs.lifecycle.lifecycle, jobs.monitoring.traces as traces; "
        "traces.traceparent(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert not any(name.startswith("opentelemetry") for name in done.stdout.split())


def test_without_the_extra_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(WrongSettings, match=r"PRUNESERVE_TRACES needs the extra otel"):
        traces.start(Part.API, "http://127.0.0.1:4318")


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"PRUNESERVE_TRACES: file://.* cannot be written"):
        traces.start(Part.API, f"file://{tmp_path}/nowhere/traces")
