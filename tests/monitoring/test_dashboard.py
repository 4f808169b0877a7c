"""The dashboard asks for metrics that a run has, and what is served is what the documentation says."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.monitoring.catalogue import GAUGES, METRICS
from jobs.monitoring.metrics import MetricKind
from tests.monitoring.conftest import Run

pytestmark = pytest.mark.timeout(1200)  # the run is made in the first test that asks for it

CHECKOUT = Path(__file__).parents[2]
DASHBOARD = json.loads((CHECKOUT / "deploy" / "monitoring" / "grafana-dashboard.json").read_text())
NEEDS_A_GPU = {"pruneserve_device_memory_bytes"}
ENDINGS = {
    MetricKind.COUNTER: ("",),
    MetricKind.GAUGE: ("",),
    MetricKind.HISTOGRAM: ("_bucket", "_sum", "_count"),
}


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]


def figures_of(query: str) -> set[str]:
    return set(re.findall(r"\b(?:pruneserve|process)_\w+", query))


def labels_of(query: str) -> set[str]:
    by = ",".join(re.findall(r"\bby \(([^)]*)\)", query))
    return set(re.findall(r"\w+", by)) | set(re.findall(r"(\w+)(?:=~|!~|!=|=)\"", query))


def test_every_metric_and_label_that_the_dashboard_asks_for_is_served(run: Run) -> None:
    served = defaultdict[str, set[str]](set)
    for labels in run.faulty[0].samples:
        served[dict(labels)["__name__"]].update(label for label, _ in labels)
    for query in queries():
        for name in figures_of(query) - NEEDS_A_GPU:
            assert {"__name__"} | labels_of(query) <= served[name], query


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    asked = set().union(*map(figures_of, queries()))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in asked}
    assert {name for name in (*METRICS, *GAUGES) if name not in shown} == set()


def test_served_metrics_are_those_of_the_catalogue(run: Run) -> None:
    served = {name for name in run.faulty[0].names if name.startswith("pruneserve_")}
    recorded = {f"{name}{ending}" for name, it in METRICS.items() for ending in ENDINGS[it.kind]}
    assert served <= recorded | GAUGES.keys()
    assert (recorded | GAUGES.keys()) - served == NEEDS_A_GPU


def test_the_documentation_has_the_table_of_all_metrics() -> None:
    page = (CHECKOUT / "docs" / "monitoring.md").read_text()
    _, _, table = page.partition("| metric | of | labels | meaning |\n| --- | --- | --- | --- |\n")
    known = [(name, metric.parts, metric.labels, metric.meaning) for name, metric in METRICS.items()]
    known += [(name, {gauges.part}, gauges.labels, gauges.meaning) for name, gauges in GAUGES.items()]
    assert table.partition("\n\n")[0].splitlines() == [
        f"| `{name}` | {', '.join(sorted(parts))} | {', '.join(f'`{each}`' for each in labels)} | {meaning} |"
        for name, parts, labels, meaning in known
    ]


def test_labels_are_few_and_an_owner_is_one_of_the_queue_alone(run: Run) -> None:
    with_owner = {dict(labels)["__name__"] for labels in run.faulty[0].samples if "owner" in dict(labels)}
    assert with_owner == {"pruneserve_queued_jobs"}
    of_ours = [
        labels for labels in run.faulty[0].samples if dict(labels)["__name__"].startswith("pruneserve_")
    ]
    assert len(of_ours) < 1000
    assert not any(re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", str(labels)) for labels in of_ours)


def test_the_metrics_of_a_run_are_right(run: Run) -> None:
    """One job has succeeded between the two scrapes: what it moved, took, read and wrote is known."""

    def grown(name: str, **labels: str) -> float:
        return (run.healthy[1].value(name, **labels) or 0) - (run.before.value(name, **labels) or 0)

    assert grown("pruneserve_job_moves_total", before="queued", state="running") == 1
    assert grown("pruneserve_job_moves_total", before="running", state="succeeded") == 1
    assert grown("pruneserve_job_moves_total") == 2
    assert grown("pruneserve_queue_wait_seconds_count", queue="cpu") == 1
    for stage in ("resolve", "gradients", "prune", "evaluate", "upload"):
        assert grown("pruneserve_stage_seconds_count", stage=stage, device="cpu") == 1
    # 8 windows of 32 tokens.
    for stage in ("gradients", "prune"):
        assert grown("pruneserve_tokens_total", stage=stage) == pytest.approx(8 * 32)
        assert (
            0
            < grown("pruneserve_computing_seconds_total", stage=stage)
            <= grown("pruneserve_stage_seconds_sum", stage=stage)
        )
    assert grown("pruneserve_cache_requests_total", cache="gradients", result="miss") == 1
    assert grown("pruneserve_cache_requests_total", cache="perplexities", result="miss") == 1
    assert grown("pruneserve_cache_requests_total", result="hit") == 0
    assert grown("pruneserve_store_bytes_total", job="pruneserve-api", direction="read") >= run.stored > 0
    assert grown("pruneserve_store_bytes_total", job="pruneserve-worker", direction="written") >= run.stored
    assert grown("pruneserve_store_failures_total") == 0
    assert grown("pruneserve_request_seconds_count", method="POST", status="2xx") == 1
    assert run.faulty[0].value("pruneserve_request_seconds_count", status="5xx") == 8
    assert run.faulty[0].value("pruneserve_lost_attempts_total", kind="lost_worker") == 3
    assert run.faulty[0].value("pruneserve_oldest_queued_seconds", queue="gpu.80g") == pytest.approx(
        7200, abs=120
    )
    assert run.faulty[0].value("pruneserve_queued_jobs", queue="gpu.80g", owner="ada") == 1


@pytest.mark.threat
def test_the_public_port_has_no_metrics(run: Run) -> None:
    assert set(run.public_answers.values()) <= {401, 404}
