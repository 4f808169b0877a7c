"""What a run serves is what the catalogue and the documentation say, and its values are right."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from jobs.monitoring.catalogue import GAUGES, METRICS
from tests.monitoring.conftest import CATALOGUE, TARGET_LABELS, Run

pytestmark = pytest.mark.timeout(1200)  # the run is made in the first test that asks for it

PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"
NEEDS_A_GPU = {"pruneserve_device_memory_bytes"}


def test_served_metrics_and_labels_are_those_of_the_catalogue(run: Run) -> None:
    served = defaultdict[str, set[str]](set)
    for sample in run.after.samples:
        labels = dict(sample)
        served[labels.pop("__name__")].update(labels.keys() - TARGET_LABELS)
    expected = {name: labels for name, labels in CATALOGUE.items() if name not in NEEDS_A_GPU}
    assert {name: labels for name, labels in served.items() if name.startswith("pruneserve_")} == expected


def test_the_documentation_has_the_table_of_all_metrics() -> None:
    page = PAGE.read_text()
    _, _, table = page.partition("| metric | of | labels | meaning |\n| --- | --- | --- | --- |\n")
    known = [(name, metric.parts, metric.labels, metric.meaning) for name, metric in METRICS.items()]
    known += [(name, {gauges.part}, gauges.labels, gauges.meaning) for name, gauges in GAUGES.items()]
    assert table.partition("\n\n")[0].splitlines() == [
        f"| `{name}` | {', '.join(sorted(parts))} | {', '.join(f'`{each}`' for each in labels)} | {meaning} |"
        for name, parts, labels, meaning in known
    ]


def test_labels_are_few_and_an_owner_is_one_of_the_queue_alone(run: Run) -> None:
    of_ours = [labels for labels in map(dict, run.after.samples) if labels["__name__"] in CATALOGUE]
    assert {labels["__name__"] for labels in of_ours if "owner" in labels} == {"pruneserve_queued_jobs"}
    assert len(of_ours) < 1000
    assert not any(re.search(r"[0-9a-f]{8}-[0-9a-f]{4}", str(labels)) for labels in of_ours)


def test_the_metrics_of_a_run_are_right(run: Run) -> None:
    """One job has succeeded, one failed, and one lost its worker: what they moved, took and read is known."""

    def grown(name: str, **labels: str) -> float:
        return (run.after.value(name, **labels) or 0) - (run.before.value(name, **labels) or 0)

    assert grown("pruneserve_job_moves_total", before="queued", state="running") == 2
    assert grown("pruneserve_job_moves_total", before="running", state="succeeded") == 1
    assert grown("pruneserve_job_moves_total", before="running", state="failed") == 1
    assert grown("pruneserve_job_moves_total", before="running", state="queued") == 1
    assert grown("pruneserve_job_moves_total") == 5
    assert grown("pruneserve_lost_attempts_total", kind="lost_worker") == 1
    assert grown("pruneserve_lost_attempts_total") == 1
    assert grown("pruneserve_queue_wait_seconds_count", queue="cpu") == 2
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
    assert grown("pruneserve_store_failures_total", job="pruneserve-worker") == 0
    assert grown("pruneserve_store_failures_total", job="pruneserve-api", kind="unreachable") > 0
    assert grown("pruneserve_request_seconds_count", method="POST", status="2xx") == 1
    assert grown("pruneserve_request_seconds_count", status="5xx") == 1
    assert run.after.value("pruneserve_queued_jobs", queue="none", owner="ada") == 1


@pytest.mark.threat
def test_the_public_port_has_no_metrics(run: Run) -> None:
    assert set(run.public_answers.values()) <= {401, 404}
