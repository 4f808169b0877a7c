"""Real workers: one is cordoned and drained by an operator, others run one job only."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM
from uuid import UUID

import psutil
import pytest
import redis
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import held_jobs, steering
from jobs.fleet.dispatch_queue import Orders
from jobs.fleet.held_jobs import HeldJob
from jobs.fleet.waiting import Waits, WaitsFor
from jobs.lifecycle import lifecycle, owner_moves
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import Job
from tests.worker.supervision.test_sick_worker import ROOT, Fleet
from worker.broker.app import app
from worker.identity import Identity
from worker.supervision import drain
from worker.supervision.drain import Drain
from worker.supervision.reading import Reading

Database = sessionmaker[Session]
Start = Callable[..., subprocess.Popen[bytes]]

PATIENCE = 280.0  # seconds: a busy machine takes a minute to start a worker and its child


@pytest.fixture
def fleet(environment: Settings, database: Database, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    broker = environment.broker_url.get_secret_value()
    monkeypatch.setattr(app.conf, "broker_url", broker)
    redis.Redis.from_url(broker).ping()
    return Fleet(database, environment)


@pytest.fixture
def start(environment: Settings, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker with these options, whose log is `<number>.log`."""
    environment.work_dir.mkdir()
    (tmp_path / "tmp").mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def begin(*options: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.worker.supervision.steady_worker", *options],
                    cwd=ROOT,
                    env=os.environ
                    | {
                        "PRUNESERVE_HEARTBEAT_SECONDS": "0.2",
                        "PRUNESERVE_QUEUES": "prune",
                        "TMPDIR": str(tmp_path / "tmp"),
                    },
                    stdout=log,
                    stderr=log,
                )
            )
        return started[-1]

    yield begin
    for process in started:
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []:
            child.kill()
        process.kill()
        process.wait()


def health(tmp_path: Path) -> tuple[int, str]:
    """What the health check of the worker's container says."""
    command = [sys.executable, "-m", "worker.health"]
    place = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run(command, cwd=ROOT, env=place, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def reason(database: Database, job_id: UUID) -> WaitsFor:
    with database.begin() as session:
        return Waits(30).of(session, [session.get_one(Job, job_id)])[job_id].reason


def steer(database: Database, fleet: Fleet, act: Callable[[Session, str], bool]) -> None:
    [worker] = fleet.workers()
    with database.begin() as session:
        assert act(session, worker.name)


def test_a_cordoned_worker_takes_nothing_and_a_drained_one_ends_after_its_job(
    start: Start,
    fleet: Fleet,
    database: Database,
    environment: Settings,
    submit: Callable[[], UUID],
    tmp_path: Path,
) -> None:
    assert health(tmp_path) == (1, "no worker of this user runs on this host\n")
    worker = start()
    log = tmp_path / "0.log"
    fleet.dispatch_until(lambda: len(fleet.workers()) == 1, PATIENCE)
    steer(database, fleet, steering.cordon)
    fleet.dispatch_until(lambda: "takes no more jobs" in log.read_text(), PATIENCE)
    first = submit()
    for _ in range(5):
        fleet.dispatcher.round()
    assert (fleet.states([first]), fleet.attempts()) == ([JobState.QUEUED], 0)
    assert reason(database, first) == WaitsFor.UNCORDONED_WORKER
    assert health(tmp_path) == (0, "")
    steer(database, fleet, steering.uncordon)
    fleet.dispatch_until(lambda: fleet.states([first]) == [JobState.RUNNING], PATIENCE)

    steer(database, fleet, steering.drain)
    second = submit()
    app.send_task("pruneserve.run_job", args=[str(second)], queue="prune")
    fleet.dispatch_until(lambda: log.read_text().count("takes no more jobs") == 2, PATIENCE)
    assert worker.poll() is None, "its job runs"
    assert fleet.states([first, second]) == [JobState.RUNNING, JobState.QUEUED]
    (environment.work_dir / "go").touch()
    assert worker.wait(PATIENCE) == 0, log.read_text()
    assert fleet.states([first, second]) == [JobState.SUCCEEDED, JobState.QUEUED]
    assert fleet.attempts() == 1, "no other job was claimed"
    assert fleet.workers() == []
    assert reason(database, second) == WaitsFor.WORKER
    assert health(tmp_path) == (1, "no worker of this user runs on this host\n")


def test_a_worker_for_one_job_claims_one_at_most_and_ends(
    start: Start,
    fleet: Fleet,
    database: Database,
    environment: Settings,
    submit: Callable[[], UUID],
    tmp_path: Path,
) -> None:
    (environment.work_dir / "go").touch()
    jobs = [submit(), submit()]
    worker = start("--one-job")
    fleet.dispatch_until(lambda: worker.poll() is not None, PATIENCE)
    assert worker.returncode == 0, (tmp_path / "0.log").read_text()
    assert sorted(fleet.states(jobs)) == [JobState.QUEUED, JobState.SUCCEEDED]
    assert fleet.attempts() == 1
    with database.begin() as session:
        for job_id, state in zip(jobs, fleet.states(jobs), strict=True):
            if state == JobState.QUEUED:
                owner_moves.cancel(session, "ada", job_id)
    idle = start("--one-job")
    fleet.dispatch_until(lambda: idle.poll() is not None, PATIENCE)
    assert idle.returncode == 0
    assert "finds no job that it could take: it ends" in (tmp_path / "1.log").read_text()
    assert fleet.attempts() == 1


class Consumer:
    """Celery's, which does at once what it is asked to do soon."""

    def __init__(self) -> None:
        self.reads = {"cpu", "prune"}

    def call_soon(self, call: Callable[[str], None], queue: str) -> None:
        call(queue)

    def add_task_queue(self, queue: str) -> None:
        self.reads.add(queue)

    def cancel_task_queue(self, queue: str) -> None:
        self.reads.remove(queue)


def test_a_consumer_reads_while_neither_cordon_nor_quarantine_is_in_the_way() -> None:
    reading, consumer = Reading(), Consumer()
    reading.stop("cordon")
    reading.begins(consumer, ["cpu", "prune"])
    assert consumer.reads == set()
    reading.stop("quarantine")
    reading.stop("quarantine")
    reading.go_on("cordon")
    reading.go_on("cordon")
    assert consumer.reads == set()
    reading.go_on("quarantine")
    assert consumer.reads == {"cpu", "prune"}


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that a drain sends to this process, which does not get them."""
    sent: list[int] = []
    monkeypatch.setattr(drain.os, "kill", lambda _process, number: sent.append(number))
    return sent


ONE_JOB = Orders(quarantined=False, cordoned=False, draining=False)


def drain_of(worker: Identity, *queues: str) -> Drain:
    return Drain(replace(worker, one_job=True), queues, Reading(), set)


def test_a_worker_for_one_job_looks_into_all_of_its_queues(
    database: Database, worker: Identity, submit: Callable[[], UUID], ends: list[int]
) -> None:
    submit()
    with database.begin() as session:
        drain_of(worker, "cpu", "prune").follow(session, ONE_JOB)
        assert ends == []
        drain_of(worker, "cpu").follow(session, ONE_JOB)
        assert ends == [SIGTERM]


def test_a_worker_for_one_job_that_claims_it_while_its_parent_looks_does_not_end(
    database: Database,
    worker: Identity,
    submit: Callable[[], UUID],
    ends: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job_id = submit()
    real = held_jobs.held_by

    def then_claims(session: Session, name: str) -> HeldJob | None:
        found = real(session, name)
        with database.begin() as other:
            lifecycle.claim(other, job_id, worker.name, 30)
        return found

    monkeypatch.setattr(held_jobs, "held_by", then_claims)
    with database.begin() as session:
        drain_of(worker, "prune").follow(session, ONE_JOB)
        drain_of(worker, "prune").follow(session, ONE_JOB)
    assert ends == []
