"""One run of real processes, first healthy, then with every fault that an alert is for, and its scrapes."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from signal import SIGKILL
from typing import Any
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from cli.embedded.process import LOOPBACK, free_port
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.queue import conditions
from jobs.queue.resources import Needs
from jobs.states import JobState
from jobs.tables import NOW, Job, WebhookDelivery, WebhookEndpoint, Worker
from tests.jobs.queue.fleet import GPU_80G, register
from tests.monitoring.otlp import Collector, collector
from tests.monitoring.scrapes import Scrape, scrape
from tests.stack import Stack, directory_store, signal_to

PARTS = ("api", "scheduler", "worker")
MOVING = ("pruneserve_scheduler_last_round_timestamp_seconds", "pruneserve_database_read_timestamp_seconds")
_STAYS = text("SET LOCAL idle_in_transaction_session_timeout = 0")
"""What goes on in a healthy service."""


@dataclass(frozen=True)
class Run:
    """Two scrapes of each state, some seconds apart; one of the last."""

    before: Scrape
    healthy: tuple[Scrape, Scrape]
    faulty: tuple[Scrape, Scrape]
    dead: Scrape
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
    stack.limit(HEARTBEAT_SECONDS=0.5, LEASE_SECONDS=20, CANCEL_GRACE_SECONDS=120)
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
    stack.wait_until(lambda: scrape(targets).value("up") == len(PARTS))
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
    stack.wait_until(lambda: scrape(targets).value("pruneserve_job_moves_total", state="succeeded") == 1)
    healthy = _healthy_scrapes(stack, targets)

    long_id = stack.submit(stack.long_spec())
    with ExitStack() as faults:
        _lose_lease(stack, long_id)
        _lose_attempts(stack)
        for _ in range(3):
            stack.wait_for_end(stack.submit(stack.spec(model=str(stack.model.parent / "nowhere"))))
        faults.enter_context(_without_files(store))
        for _ in range(8):
            assert client.get(files[0]).status_code == 503
        with stack.database.begin() as session:
            _jobs_that_nobody_takes(session)
            _sick_and_silent_workers(session)
        faults.enter_context(_late_webhook(stack.database))
        stack.wait_until(lambda: bool(scrape(targets).value("pruneserve_webhook_deliveries_due")))
        faults.enter_context(_locked(stack.database))
        time.sleep(3)  # what was about to finish has finished
        first = scrape(targets)
        time.sleep(1.5)
        faulty = (first, scrape(targets))
        signal_to(worker, SIGKILL, children=True)
        dead = scrape(targets)
    key = client.headers["Authorization"].removeprefix("Bearer ")
    client.get(f"/v1/jobs/{key}", params={"key": key})  # where no key should be, but somebody may put it
    stack.wait_until(lambda: {"POST /v1/jobs", "attempt"} <= {span["name"] for span in traces.spans})
    written = {"api": api, "scheduler": scheduler, "worker": worker}
    return Run(
        before,
        healthy,
        faulty,
        dead,
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


def _healthy_scrapes(stack: Stack, targets: Mapping[str, str]) -> tuple[Scrape, Scrape]:
    """Scrape twice, with a round of the scheduler and a reading of the database in between."""
    found = [scrape(targets)]

    def is_moving() -> bool:
        found.append(scrape(targets))
        moments = [{name: each.value(name) for name in MOVING} for each in (found[0], found[-1])]
        return all(moments[0][name] != moments[1][name] for name in MOVING)

    stack.wait_until(is_moving)
    return found[0], found[-1]


def _lose_lease(stack: Stack, job_id: UUID) -> None:
    """Take a running job away from its worker; then cancel it."""
    attempt = stack.wait_until_running(job_id).attempt
    with stack.database.begin() as session:
        token = session.get_one(Job, job_id).lease_token
        assert token is not None
        lifecycle.take_back(session, job_id, token, "for the test", 100)
    stack.wait_for(job_id, lambda job: job.attempt > attempt)
    with stack.database.begin() as session:
        owner_moves.cancel(session, "ada", job_id)
    stack.wait_for_end(job_id)


def _lose_attempts(stack: Stack) -> None:
    """Claim jobs for a worker that is gone before it sends a heartbeat."""
    for _ in range(3):
        with stack.database.begin() as session:
            job_id = owner_moves.create(session, "ada", stack.spec()).id
            assert lifecycle.claim(session, job_id, "a-dead-worker", 0.1)
        stack.wait_for(job_id, lambda job: job.state == JobState.QUEUED)
        with stack.database.begin() as session:
            owner_moves.cancel(session, "ada", job_id)


@contextmanager
def _without_files(store: Path) -> Iterator[None]:
    away = store.with_name("away")
    store.rename(away)
    store.touch()
    yield
    store.unlink()
    away.rename(store)


def _jobs_that_nobody_takes(session: Session) -> None:
    """Let jobs have waited for two hours: one fits no worker, one only workers that take none."""
    first = session.scalars(select(Job).limit(1)).one()
    for gpus in (8, 1):
        session.execute(
            insert(Job).values(
                owner="ada",
                spec=first.spec,
                recipe_fingerprint=first.recipe_fingerprint,
                model=first.model,
                method=first.method,
                pattern=first.pattern,
                sparsity=first.sparsity,
                queued_at=NOW - timedelta(hours=2),
                needs=Needs(gpus=gpus).model_dump(),
            )
        )


def _sick_and_silent_workers(session: Session) -> None:
    register(session, "silent")
    register(session, "sick", "gpu.80g", GPU_80G)
    conditions.quarantine(session, "sick", "its GPU cannot be used")
    session.execute(update(Worker).where(Worker.name == "silent").values(seen_at=NOW - timedelta(minutes=9)))


@contextmanager
def _late_webhook(database: Database) -> Iterator[None]:
    """A message that has been due for an hour, while no sender can take any: all wait for a lock."""
    with database.begin() as session:
        endpoint = session.scalars(
            insert(WebhookEndpoint)
            .values(owner="eve", url="https://example.org", events=[], secret=b"", disabled_at=NOW)
            .returning(WebhookEndpoint.id)
        ).one()
        session.execute(
            insert(WebhookDelivery).values(
                endpoint_id=endpoint, event="", payload={}, next_attempt_at=NOW - timedelta(hours=1)
            )
        )
    with database() as holder:
        holder.execute(_STAYS)
        holder.execute(text("LOCK TABLE webhook_deliveries IN EXCLUSIVE MODE"))  # reading goes on
        with database.begin() as session:
            session.execute(update(WebhookEndpoint).values(disabled_at=None))
        yield
        holder.rollback()


@contextmanager
def _locked(database: Database) -> Iterator[None]:
    """Hold the table of workers, which the scheduler reads in its rounds and for its metrics."""
    with database() as session:
        session.execute(_STAYS)
        session.execute(text("LOCK TABLE workers, schedulers IN ACCESS EXCLUSIVE MODE"))
        yield
        session.rollback()
