"""One run of real processes, with a job that succeeds and a few faults, and its scrapes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID

import httpx
import pytest
from cryptography.fernet import Fernet
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.engine import make_url

from cli.embedded.process import LOOPBACK, free_port
from jobs.lifecycle import lifecycle
from jobs.monitoring.catalogue import GAUGES, METRICS
from jobs.monitoring.metrics import MetricKind
from jobs.states import JobState
from tests.jobs.queue.fleet import LARGE
from tests.jobs.queue.fleet import submit as queue_job
from tests.monitoring.otlp import Collector, collector
from tests.stack import Stack, directory_store

PARTS = ("api", "scheduler", "worker")
TARGET_LABELS = {"job", "instance"}
"""What Prometheus adds to each series."""
ENDINGS = {
    MetricKind.COUNTER: {"": set[str]()},
    MetricKind.GAUGE: {"": set[str]()},
    MetricKind.HISTOGRAM: {"_bucket": {"le"}, "_sum": set[str](), "_count": set[str]()},
}
CATALOGUE = {
    f"{name}{ending}": {*metric.labels} | further
    for name, metric in METRICS.items()
    for ending, further in ENDINGS[metric.kind].items()
} | {name: {*gauge.labels} for name, gauge in GAUGES.items()}
"""Each series of ours with its labels."""


@dataclass(frozen=True)
class Scrape:
    """What all targets serve at one moment: by labels, `__name__` among them."""

    samples: Mapping[frozenset[tuple[str, str]], float]

    def value(self, name: str, **labels: str) -> float | None:
        wanted = {("__name__", name), *labels.items()}
        found = [value for of, value in self.samples.items() if wanted <= of]
        return sum(found) if found else None


def scrape(targets: Mapping[str, str]) -> Scrape:
    """Ask each of these targets: by the name of Prometheus's job, the address and port."""
    samples = {}
    for job, instance in targets.items():
        text = httpx.get(f"http://{instance}/metrics", timeout=10, trust_env=False).raise_for_status().text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if not sample.name.endswith("_created"):
                    labels = {"__name__": sample.name, **sample.labels, "job": job, "instance": instance}
                    samples[frozenset(labels.items())] = sample.value
    return Scrape(samples)


@dataclass(frozen=True)
class Run:
    """Scrapes before its jobs and after them."""

    before: Scrape
    after: Scrape
    stored: int
    """Bytes of the job's files in the store, which the API has sent."""
    public_answers: Mapping[str, int]
    """The status with which the API's public port answers these paths, to a request without a key."""
    logs: Mapping[str, str]
    """By part what it has written."""
    secrets: Sequence[str]
    """What may not be in it."""
    job_id: UUID
    request_id: str
    """Of the request that submitted the job."""
    blocks: int
    """Of the model."""
    spans: Sequence[Mapping[str, Any]]
    """Everything that was traced, as it has reached the collector."""


_runs: list[Run] = []


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return directory_store(tmp_path)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """The run, which is made once."""
    if not _runs:
        stack, store = request.getfixturevalue("stack"), request.getfixturevalue("tmp_path") / "store"
        with collector() as traces:
            _runs.append(_run(stack, store, traces))
    return _runs[0]


def _run(stack: Stack, store: Path, traces: Collector) -> Run:
    targets = {f"pruneserve-{part}": f"{LOOPBACK}:{free_port()}" for part in PARTS}
    stack.limit(HEARTBEAT_SECONDS=0.5, LEASE_SECONDS=20)
    stack.metrics = {part: targets[f"pruneserve-{part}"] for part in PARTS}
    stack.environment |= {
        "PRUNESERVE_LOG_FORMAT": "json",
        "PRUNESERVE_TRACES_ENDPOINT": traces.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",  # milliseconds between two batches
    }
    secrets = _plant_secrets(stack)
    client = stack.start_api()  # which waits until it is ready
    api = stack.processes[-1]
    scheduler = stack.start_scheduler()
    worker = stack.start_worker()
    stack.wait_until(lambda: all(map(_answers, targets.values())))
    before = scrape(targets)

    submitted = client.post("/v1/jobs", json=stack.spec().as_request()).raise_for_status()
    job_id = UUID(submitted.json()["id"])
    job = stack.wait_for_end(job_id)
    assert job.state == JobState.SUCCEEDED, job.error
    files = [
        f"/v1/jobs/{job_id}/artifacts/{item['id']}/content"
        for item in client.get(f"/v1/jobs/{job_id}/artifacts").json()["items"]
    ]
    for file in files:
        client.get(file).raise_for_status()
    stored = sum(row.stored_size or row.size for row in stack.artifacts(job_id).values())
    public = {
        path: client.get(path, headers={"Authorization": ""}).status_code
        for path in ("/metrics", "/v1/metrics")
    }
    _lose_attempt(stack)
    stack.wait_for_end(stack.submit(stack.spec(model=str(stack.model.parent / "nowhere"))))
    with _without_files(store):
        assert client.get(files[0]).status_code == 503
    stack.wait_until(lambda: scrape(targets).value("pruneserve_job_moves_total", state="failed") == 1)
    stack.wait_until(lambda: scrape(targets).value("pruneserve_queued_jobs", queue="none") == 1)
    after = scrape(targets)
    key = client.headers["Authorization"].removeprefix("Bearer ")
    client.get(f"/v1/jobs/{key}", params={"key": key})  # where no key should be, but somebody may put it
    stack.wait_until(lambda: {"POST /v1/jobs", "attempt"} <= {span["name"] for span in traces.spans})
    written = {"api": api, "scheduler": scheduler, "worker": worker}
    return Run(
        before,
        after,
        stored,
        public,
        {part: process.log.read_text() for part, process in written.items()},
        [*secrets, key],
        job_id,
        submitted.headers["X-Request-ID"],
        json.loads((stack.model / "config.json").read_text())["num_hidden_layers"],
        traces.spans,
    )


def _plant_secrets(stack: Stack) -> list[str]:
    """Give the processes secrets of every kind, and return them with those that they have already."""
    planted = {
        "PRUNESERVE_SECRET_KEYS": Fernet.generate_key().decode(),
        "PRUNESERVE_HUB_TOKEN": f"hf_{token_hex(16)}",
        "AWS_SECRET_ACCESS_KEY": token_hex(20),
    }
    stack.environment |= planted
    urls = [stack.environment[name] for name in ("DATABASE_URL", "BROKER_URL")]
    return [*planted.values(), *urls, *(make_url(url).password or url for url in urls)]


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/metrics", timeout=10, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _lose_attempt(stack: Stack) -> None:
    """Claim a job for a worker that is gone before it sends a heartbeat; it fits no other."""
    with stack.database.begin() as session:
        job_id = queue_job(session, stack.spec(), needs=LARGE)
        assert lifecycle.claim(session, job_id, "a-dead-worker", 0.1)
    stack.wait_for(job_id, lambda job: job.state == JobState.QUEUED)


@contextmanager
def _without_files(store: Path) -> Iterator[None]:
    away = store.with_name("away")
    store.rename(away)
    store.touch()
    yield
    store.unlink()
    away.rename(store)
