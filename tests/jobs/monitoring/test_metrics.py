"""How metrics are counted: in this process, after a commit, for a child, and not at all."""

import json
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from cli.embedded.process import LOOPBACK, free_port
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.monitoring import metrics, serving
from jobs.monitoring.catalogue import (
    GAUGES,
    METRICS,
    MOVES,
    QUEUE_WAIT,
    STAGE_SECONDS,
)
from jobs.monitoring.metrics import Component, record_on_commit
from jobs.monitoring.serving import ChildMetrics
from jobs.queue import conditions, overview, shares, workers
from jobs.queue.overview import NO_QUEUE, snapshot
from jobs.secret_files import WrongSettings
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.storage.errors import StoreUnreachable
from jobs.storage.store import Store
from jobs.tables import NOW, Job, Worker
from tests.claims import job as get_job
from tests.eventually import eventually
from tests.jobs.queue.fleet import LARGE, register
from tests.jobs.queue.fleet import submit as queue_job
from tests.stack import directory_store

Recorded = list[tuple[str, float, dict[str, str]]]


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """What is recorded in this process."""
    taken: Recorded = []
    metrics.record_into(lambda name, value, labels: taken.append((name, value, dict(labels))))
    yield taken
    metrics.record_into(None)


@pytest.fixture
def listening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, Recorded]]:
    """A parent that takes in what children send, and what it has taken."""
    taken: Recorded = []

    def take(name: str, value: float, labels: dict[str, str]) -> None:
        assert labels.keys() <= METRICS[name].labels.keys()
        taken.append((name, value, labels))

    monkeypatch.setattr(serving, "add_sample", take)
    path = tmp_path / "figures"
    parent = ChildMetrics(path)
    parent.start()
    yield path, taken
    parent.stop()
    metrics.record_into(None)
    assert not path.exists()


@pytest.fixture
def counting(tmp_path: Path) -> Iterator[Path]:
    """A parent that counts what children send."""
    parent = ChildMetrics(tmp_path / "figures")
    parent.start()
    yield tmp_path / "figures"
    parent.stop()


def counted(histogram: Any) -> dict[tuple[str, ...], float]:
    """The sum of a histogram by its labels."""
    return {labels: each._sum.get() for labels, each in histogram._metrics.items()}


def test_nothing_is_recorded_without_a_sink() -> None:
    before = MOVES.collector.labels("queued", "running")._value.get()
    MOVES.record(before="queued", state="running")
    assert MOVES.collector.labels("queued", "running")._value.get() == before
    assert not metrics.is_recording()


def test_what_a_child_records_reaches_its_parent(listening: tuple[Path, Recorded]) -> None:
    path, taken = listening
    serving.send_to_parent(path)
    STAGE_SECONDS.record(1.5, stage="prune", device="cpu")
    QUEUE_WAIT.record(2.0, queue="prune")
    eventually(lambda: len(taken) == 2)
    assert taken == [
        (STAGE_SECONDS.name, 1.5, {"stage": "prune", "device": "cpu"}),
        (QUEUE_WAIT.name, 2.0, {"queue": "prune"}),
    ]


@pytest.mark.parametrize(
    "message",
    [
        json.dumps([QUEUE_WAIT.name, 1, {"queue": "prune"}]).encode()[:20],
        json.dumps(["of_another_version", 1, {}]).encode(),
        json.dumps([QUEUE_WAIT.name, 1, {"of": "another version"}]).encode(),
    ],
)
def test_an_invalid_message_is_logged_and_the_next_one_is_taken(
    counting: Path, caplog: pytest.LogCaptureFixture, message: bytes
) -> None:
    before = counted(QUEUE_WAIT.collector)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(message, str(counting))
        sender.sendto(json.dumps([QUEUE_WAIT.name, 3.0, {"queue": "the next"}]).encode(), str(counting))
    eventually(lambda: counted(QUEUE_WAIT.collector).get(("the next",)) == 3.0)
    after = counted(QUEUE_WAIT.collector)
    assert {labels: after[labels] - before.get(labels, 0.0) for labels in after} == (
        dict.fromkeys(before, 0.0) | {("the next",): 3.0}
    )
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("a child sent what is not a metric")
    QUEUE_WAIT.collector.remove("the next")


def test_a_child_without_a_parent_goes_on(tmp_path: Path) -> None:
    serving.send_to_parent(tmp_path / "nobody")
    try:
        QUEUE_WAIT.record(1.0, queue="prune")
    finally:
        metrics.record_into(None)


def test_a_child_does_not_wait_for_a_parent_that_hangs(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as parent:
        parent.bind(str(tmp_path / "figures"))
        serving.send_to_parent(tmp_path / "figures")
        try:
            for _ in range(100):
                QUEUE_WAIT.record(1.0, queue="x" * 90)
        finally:
            metrics.record_into(None)


def test_a_move_counts_when_it_is_committed_and_not_when_it_is_rolled_back(
    database: Database, spec: JobSpec, recorded: Recorded
) -> None:
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
    with database() as session:
        assert lifecycle.claim(session, job_id, "worker", 30)
        session.rollback()
        session.commit()
    assert recorded == []
    with database.begin() as session:
        assert lifecycle.claim(session, job_id, "worker", 30)
        assert recorded == []
    job = get_job(database, job_id)
    assert job.running_at is not None
    waited = (job.running_at - job.queued_at).total_seconds()
    assert recorded == [
        (MOVES.name, 1.0, {"before": "queued", "state": "running"}),
        (QUEUE_WAIT.name, waited, {"queue": "unknown"}),
    ]


def test_a_savepoint_counts_with_its_transaction(database: Database, recorded: Recorded) -> None:
    with database.begin() as session:
        with session.begin_nested(), session.begin_nested():
            record_on_commit(session, MOVES, before="queued", state="running")
        with session.begin_nested() as savepoint:
            savepoint.rollback()
        record_on_commit(session, MOVES, before="running", state="failed")
        assert recorded == [], "it has not happened yet"
    assert [labels["state"] for _, _, labels in recorded] == ["running", "failed"]


def test_the_store_counts_what_it_moves_and_an_error_once(tmp_path: Path, recorded: Recorded) -> None:
    store = Store(directory_store(tmp_path))
    (tmp_path / "file").write_bytes(b"12345")
    store.put_file("a/b", tmp_path / "file")
    store.download("a/b", tmp_path / "copy")
    (tmp_path / "store").rename(tmp_path / "away")
    (tmp_path / "store").touch()
    with pytest.raises(StoreUnreachable):
        store.download("a/b", tmp_path / "copy")
    of_bytes = [(value, labels) for name, value, labels in recorded if name == "pruneserve_store_bytes_total"]
    assert of_bytes == [(5, {"direction": "written"}), (5, {"direction": "read"})]
    failed = [labels for name, _, labels in recorded if name == "pruneserve_store_failures_total"]
    assert failed == [{"kind": "unreachable"}]
    operations = [labels["operation"] for name, _, labels in recorded if name == "pruneserve_store_seconds"]
    assert operations == ["write", "open", "download", "open", "download"]


def test_a_port_that_is_taken_is_refused_with_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        address = f"{LOOPBACK}:{taken.getsockname()[1]}"
        with pytest.raises(WrongSettings, match=rf"PRUNESERVE_METRICS_ADDRESS: cannot listen on {address}: "):
            serving.serve(Component.API, address)
    assert not metrics.is_recording()


def test_without_an_address_nothing_is_served_or_recorded() -> None:
    assert not serving.serve(Component.API, None)
    assert not metrics.is_recording()


@pytest.mark.parametrize("address", ["9101", "host:port", "http://a:1", "a b:1", ":9101", "127.0.0.1:123456"])
def test_an_address_that_cannot_be_meant_is_refused(settings: Settings, address: str) -> None:
    known = {"DATABASE_URL": settings.database_url, "STORE_URL": settings.store_url}
    with pytest.raises(ValueError, match="metrics"):
        Settings(**known, metrics_address=address)
    assert Settings(**known, metrics_address="[::1]:9101").metrics_address == "[::1]:9101"


def test_names_and_units_are_those_that_prometheus_expects() -> None:
    for name, figure in METRICS.items():
        assert name.startswith("pruneserve_")
        assert name.endswith("_total") == (figure.kind == metrics.MetricKind.COUNTER)
    for name in (*METRICS, *GAUGES):
        assert not name.endswith(("_ms", "_minutes", "_mb", "_count", "_sum", "_bucket"))


def test_the_snapshot_agrees_with_the_rows(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "worker")
        for owner, count in {"ada": 3, "bob": 2, "cy": 1, "di": 1}.items():
            for _ in range(count):
                queue_job(session, spec, owner)
        assert lifecycle.claim(session, queue_job(session, spec), "worker", 30)
        owner_moves.cancel(session, "ada", queue_job(session, spec))
        queue_job(session, spec, needs=LARGE)
    with database.begin() as session:
        found = snapshot(session, 30)
    assert {key: count for key, count in found.jobs.items() if count} == {
        ("queued", "cpu"): 7,
        ("queued", NO_QUEUE): 1,
        ("running", "cpu"): 1,
    }
    assert found.queued == {
        ("cpu", "ada"): 3,
        ("cpu", "bob"): 2,
        ("cpu", "cy"): 1,
        ("cpu", "di"): 1,
        (NO_QUEUE, "ada"): 1,
    }
    assert found.oldest_seconds.keys() == {"cpu", NO_QUEUE}
    assert found.workers == {("cpu", "busy"): 1}
    assert (found.webhook_deliveries_due, found.oldest_webhook_delivery_seconds) == (0, 0.0)


def test_a_cordoned_worker_is_not_busy_with_its_last_job(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        for name in ("one", "two"):
            register(session, name)
            assert lifecycle.claim(session, owner_moves.create(session, "ada", spec).id, name, 30)
        conditions.cordon(session, "two")
    with database.begin() as session:
        assert snapshot(session, 30).workers == {("cpu", "busy"): 1, ("cpu", "cordoned"): 1}
        statuses = {
            seen.worker.name: (str(seen.state), seen.since) for seen in overview.worker_statuses(session, 30)
        }
        [one, two] = (session.get_one(Worker, name) for name in ("one", "two"))
        assert statuses["one"][0] == "busy"
        assert statuses["one"][1] is not None
        assert one.cordoned_at is None
        assert statuses["two"] == ("cordoned", two.cordoned_at)


def test_every_worker_is_counted_in_the_state_that_the_list_shows(
    database: Database, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those beyond the first of the list: it was counted, and showed a thousand of 10,020."""
    monkeypatch.setattr("jobs.queue.conditions._MAX_LISTED", 3)
    with database.begin() as session:
        for number in range(6):
            workers.record_worker_heartbeat(session, f"worker-{number}", "gpu.24g" if number else "gpu.80g")
        assert lifecycle.claim(session, owner_moves.create(session, "ada", spec).id, "worker-1", 30)
        conditions.cordon(session, "worker-2")
        session.execute(update(Worker).where(Worker.name == "worker-3").values(quarantined_at=NOW))
        long_ago = NOW - timedelta(minutes=1)
        session.execute(update(Worker).where(Worker.name == "worker-4").values(seen_at=long_ago))
    states = {"idle": 1, "busy": 1, "cordoned": 1, "quarantined": 1, "silent": 1}
    with database.begin() as session:
        found = snapshot(session, 30).workers
        assert found == {
            ("gpu.80g", "idle"): 1,
            **{("gpu.24g", state): count for state, count in states.items()},
        }
        monkeypatch.setattr("jobs.queue.conditions._MAX_LISTED", 100)
        listed = Counter(
            (seen.worker.queue, str(seen.state)) for seen in overview.worker_statuses(session, 30)
        )
        assert found == listed


def waits(session: Session, spec: JobSpec, hours: int, owner: str = "ada", **values: Any) -> UUID:
    """A job that has been queued for so long."""
    return queue_job(session, spec, owner, queued_at=NOW - timedelta(hours=hours), **values)


def test_a_wait_counts_for_an_operator_unless_it_is_the_owners_own_matter(
    database: Database, spec: JobSpec
) -> None:
    """Jobs at their owner's limit wait for hours while all is well."""
    with database.begin() as session:
        register(session, "worker")
        for _ in range(2):
            waits(session, spec, 9, "eve")
        waits(session, spec, 8, needs=LARGE)
        shares.grant_share(session, "eve", {"max_running": 1})
        assert lifecycle.claim(session, waits(session, spec, 1, "eve"), "worker", 30)
        waits(session, spec, 5, owner="bob")
        waits(session, spec, 4)
        session.execute(update(Job).where(Job.id == waits(session, spec, 7)).values(needs=None))

    def hours() -> dict[str, int]:
        with database.begin() as session:
            return {queue: round(it / 3600) for queue, it in snapshot(session, 30).oldest_seconds.items()}

    assert hours() == {"cpu": 5, NO_QUEUE: 8}
    with database.begin() as session:
        owner_moves.cancel(session, "bob", session.scalars(select(Job.id).where(Job.owner == "bob")).one())
    assert hours() == {"cpu": 4, NO_QUEUE: 8}
    with database.begin() as session:
        shares.grant_share(session, "eve", {"max_running": 2})
    assert hours() == {"cpu": 9, NO_QUEUE: 8}


def test_the_port_serves_what_its_part_counts_and_nothing_of_others() -> None:
    """In a process of its own: a metric can be registered once."""
    number = free_port()
    code = f"""
import time
from jobs.monitoring.catalogue import LAST_ROUND
from jobs.monitoring.metrics import Component
from jobs.monitoring.serving import serve
assert serve(Component.SCHEDULER, "{LOOPBACK}:{number}")
LAST_ROUND.record(5.0)
print("ready", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-P", "-c", code], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            served = httpx.get(f"http://{LOOPBACK}:{number}/metrics", timeout=60, trust_env=False).text
        finally:
            process.kill()
    assert "pruneserve_scheduler_last_round_timestamp_seconds 5.0" in served
    assert 'pruneserve_lost_attempts_total{kind="killed"} 0.0' in served
    assert "pruneserve_request_seconds" not in served
