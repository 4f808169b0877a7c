"""Real workers that an operator cordons and drains."""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from signal import SIGTERM
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy.orm import Session

from jobs import broker
from jobs.broker import app
from jobs.clock import boot_time
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import conditions
from jobs.queue.waiting import Waits, WaitsFor
from jobs.queue.workers import WorkerConditions
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import Job
from tests.conftest import Submit
from tests.limits import with_limits
from tests.worker.supervision.conftest import PATIENCE, ROOT, Fleet, Start
from worker.identity import HeldClaim, Identity
from worker.supervision import parent
from worker.supervision.parent import Drain


@pytest.fixture
def steady(start: Start, environment: Settings, tmp_path: Path) -> Start:
    """Starts a worker."""
    environment.work_dir.mkdir()
    (tmp_path / "tmp").mkdir()
    return partial(start, "steady_worker", TMPDIR=str(tmp_path / "tmp"), **with_limits(HEARTBEAT_SECONDS=0.2))


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


def test_a_cordoned_worker_takes_no_job_and_a_drained_one_ends_after_it(
    steady: Start, fleet: Fleet, database: Database, environment: Settings, submit: Submit, tmp_path: Path
) -> None:
    assert health(tmp_path) == (1, "no worker of this user runs on this host\n")
    worker = steady()
    log = tmp_path / "0.log"
    fleet.dispatch_until(lambda: len(fleet.workers()) == 1)
    fleet.dispatch_until(lambda: bool(app.control.ping(timeout=1)))  # as `celery inspect ping` does
    steer(database, fleet, conditions.cordon)
    fleet.dispatch_until(lambda: "takes no more jobs" in log.read_text())
    first = submit()
    for _ in range(5):
        fleet.scheduler.round()
    assert (fleet.states([first]), fleet.attempts()) == ([JobState.QUEUED], 0)
    assert reason(database, first) == WaitsFor.CORDONED
    assert health(tmp_path) == (0, "")
    steer(database, fleet, conditions.uncordon)
    fleet.dispatch_until(lambda: fleet.states([first]) == [JobState.RUNNING])

    steer(database, fleet, conditions.drain)
    second = submit()
    broker.send("cpu")
    fleet.dispatch_until(lambda: log.read_text().count("takes no more jobs") == 2)
    assert worker.poll() is None, "its job runs"
    assert fleet.states([first, second]) == [JobState.RUNNING, JobState.QUEUED]
    (environment.work_dir / "go").touch()
    assert worker.wait(PATIENCE) == 0, log.read_text()
    assert fleet.states([first, second]) == [JobState.SUCCEEDED, JobState.QUEUED]
    assert fleet.attempts() == 1, "no other job was claimed"
    assert fleet.workers() == []
    assert reason(database, second) == WaitsFor.WORKER
    assert health(tmp_path) == (1, "no worker of this user runs on this host\n")


def test_a_worker_outlives_a_broker_that_refuses_to_write(
    steady: Start, fleet: Fleet, environment: Settings, submit: Submit, tmp_path: Path
) -> None:
    (environment.work_dir / "go").touch()
    worker, log = steady(), tmp_path / "0.log"
    fleet.dispatch_until(lambda: bool(app.control.ping(timeout=1)))
    with redis.Redis.from_url(environment.broker_url.get_secret_value()) as client:
        try:
            client.config_set("min-replicas-to-write", 1)
            fleet.dispatch_until(lambda: "NOREPLICAS" in log.read_text())
        finally:
            client.config_set("min-replicas-to-write", 0)
    job = submit()
    fleet.dispatch_until(lambda: fleet.states([job]) == [JobState.SUCCEEDED])
    assert worker.poll() is None


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that a drain sends to this process, which does not get them."""
    sent: list[int] = []
    monkeypatch.setattr(parent.os, "kill", lambda _process, number: sent.append(number))
    return sent


DRAINED = WorkerConditions(quarantined=False, cordoned=True, draining=True)


@pytest.mark.parametrize(("lease_seconds", "signals"), [(30, []), (-1, [SIGTERM])])
def test_a_record_that_a_read_only_disk_keeps_holds_up_no_drain(
    database: Database, worker: Identity, ends: list[int], lease_seconds: float, signals: list[int]
) -> None:
    path, ends_at = worker.claims_directory / "task.json", boot_time() + lease_seconds
    HeldClaim(path, uuid4(), 1, uuid4(), ends_at).write()
    with database.begin() as session:
        Drain(worker).follow(session, DRAINED)
    assert ends == signals


@pytest.mark.usefixtures("unreadable_records")
def test_a_drained_worker_ends_after_its_job_where_no_record_can_be_read(
    database: Database, worker: Identity, claim: Claim, ends: list[int]
) -> None:
    drain = Drain(worker)
    with database.begin() as session:
        drain.follow(session, DRAINED)
        assert ends == []
        assert lifecycle.hand_back(session, claim, "for the test")
        drain.follow(session, DRAINED)
    assert ends == [SIGTERM]
