"""One trace goes from the request that submits a job to the upload of its files, through real processes.

They send it by OTLP to a collector.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from api.http.monitoring import RequestMonitor
from jobs.monitoring import traces
from jobs.monitoring.metrics import Component
from jobs.secret_files import WrongSettings
from tests.monitoring.conftest import Run

pytestmark = pytest.mark.timeout(1200)  # the run is made in the first test that asks for it

Span = Mapping[str, Any]
STAGES = ("resolve", "gradients", "prune", "evaluate", "upload")


def of_the_job(run: Run) -> list[Span]:
    (root,) = [span for span in run.spans if span["name"] == "POST /v1/jobs"]
    return [span for span in run.spans if span["trace"] == root["trace"]]


def named(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span["name"] == name]


def moments(span: Span) -> tuple[datetime, datetime]:
    return span["began"], span["ended"]


def test_one_trace_has_the_request_the_attempt_each_stage_and_each_block(run: Run) -> None:
    spans = of_the_job(run)
    (root,), (queued,), (attempt,) = (named(spans, name) for name in ("POST /v1/jobs", "queued", "attempt"))
    assert root["parent"] is None
    assert root["attributes"] == {"http.response.status_code": 201}
    assert {queued["parent"], attempt["parent"]} == {root["id"]}
    assert attempt["attributes"] == {"job": str(run.job_id), "attempt": 1}
    stages = {stage: named(spans, f"stage {stage}") for stage in STAGES}
    assert {stage: len(found) for stage, found in stages.items()} == dict.fromkeys(STAGES, 1)
    assert {span["parent"] for (span,) in stages.values()} == {attempt["id"]}
    blocks = named(spans, "block")
    for stage in ("gradients", "prune"):
        of_stage = [span for span in blocks if span["attributes"]["stage"] == stage]
        assert len({span["attributes"]["number"] for span in of_stage}) == len(of_stage) == run.blocks
        assert {span["parent"] for span in of_stage} == {stages[stage][0]["id"]}
    known = {span["id"] for span in spans}
    assert all(span["parent"] in known for span in spans if span is not root)


def test_it_goes_through_the_api_and_the_worker(run: Run) -> None:
    services = {span["resource"]["service.name"] for span in of_the_job(run)}
    assert services == {"pruneserve-api", "pruneserve-worker"}


def test_a_part_lies_within_the_whole(run: Run) -> None:
    spans = of_the_job(run)
    by_id = {span["id"]: span for span in spans}
    for span in spans:
        began, ended = moments(span)
        assert began <= ended
        whole = by_id.get(span["parent"] or "")
        if whole is not None and whole["name"] != "POST /v1/jobs":  # the request has ended long before
            assert moments(whole)[0] <= began <= ended <= moments(whole)[1]


def test_a_job_that_ends_early_has_its_trace_as_well(run: Run) -> None:
    """A job that was submitted without a request is a trace of its own."""
    attempts = named(list(run.spans), "attempt")
    assert len(attempts) > len(named(of_the_job(run), "attempt"))
    assert {span["parent"] for span in attempts if span["attributes"]["job"] != str(run.job_id)} == {None}


@pytest.mark.threat
def test_no_secret_is_in_a_trace(run: Run) -> None:
    assert [secret for secret in run.secrets if secret in str(run.spans)] == []


@pytest.mark.threat
@pytest.mark.parametrize(("sampler", "recorded"), [(ALWAYS_ON, 1), (ALWAYS_OFF, 0)])
@pytest.mark.parametrize("flags", ["00", "01"])
def test_the_sender_of_a_request_does_not_decide_whether_it_is_traced(
    sampler: Sampler, recorded: int, flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK's own sampler follows a parent, so the header is a link."""
    memory, provider = InMemorySpanExporter(), TracerProvider(sampler=ParentBased(sampler))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(traces, "_tracer", provider.get_tracer("test"))
    app = TestClient(RequestMonitor(PlainTextResponse("")))
    theirs = f"{0xABC:032x}", f"{0xDEF:016x}"
    app.post("/", headers={"traceparent": f"00-{theirs[0]}-{theirs[1]}-{flags}"})
    spans = memory.get_finished_spans()
    assert len(spans) == recorded
    for span in spans:
        (link,) = span.links
        assert span.parent is None
        assert span.context is not None
        assert span.context.trace_id != 0xABC
        assert (link.context.trace_id, link.context.span_id) == (0xABC, 0xDEF)


def test_a_header_that_is_no_place_in_a_trace_is_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    monkeypatch.setattr(traces, "_tracer", provider.get_tracer("test"))
    app = TestClient(RequestMonitor(PlainTextResponse("")))
    app.post("/", headers={"traceparent": "anything"})
    app.post("/")
    assert [(span.name, span.links, span.parent) for span in memory.get_finished_spans()] == [
        ("POST", (), None)
    ] * 2


def test_without_the_setting_nothing_is_loaded() -> None:
    code = (
        "import sys, jobs.lifecycle.lifecycle, jobs.monitoring.traces as traces; "
        "traces.traceparent(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert not any(name.startswith("opentelemetry") for name in done.stdout.split())


def test_a_collector_that_never_answers_keeps_no_process_from_its_end() -> None:
    """The library would wait for it, by its own setting for an hour."""
    code = (
        "import sys; from jobs.monitoring import traces; from jobs.monitoring.metrics import Component; "
        "traces._FLUSH_SECONDS = 0.1; traces.start(Component.WORKER, sys.argv[1]);\n"
        "with traces.span('attempt'): pass\n"
        "traces.flush()"
    )
    with socket.create_server(("127.0.0.1", 0)) as collector:
        address = f"http://127.0.0.1:{collector.getsockname()[1]}"
        hour = os.environ | {"OTEL_EXPORTER_OTLP_TIMEOUT": "3600"}
        command = [sys.executable, "-P", "-c", code, address]
        done = subprocess.run(command, env=hour, timeout=120, capture_output=True, check=True)
        asked, _ = collector.accept()
        with asked:
            assert asked.recv(4) == b"POST"
    assert done.stderr == b""


def test_without_the_extra_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(WrongSettings, match=r"PRUNESERVE_TRACES_ENDPOINT needs the extra otel"):
        traces.start(Component.API, "http://127.0.0.1:4318")
