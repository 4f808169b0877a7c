"""Real workers: one is cordoned and drained by an operator, others run one job only."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from signal import SIGTERM
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy import update
from sqlalchemy.orm import Session

from jobs import broker
from jobs.broker import app
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import backlog, claim, conditions
from jobs.queue.claim import claim_next
from jobs.queue.waiting import Waits, WaitsFor
from jobs.queue.workers import WorkerConditions
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job
from tests.conftest import Submit
from tests.jobs.queue.fleet import LARGE
from tests.jobs.queue.fleet import submit as queue_job
from tests.limits import with_limits
from tests.worker.supervision.conftest import PATIENCE, ROOT, Fleet, Start
from worker.identity import HeldClaim, Identity, boot_time
from worker.supervision import parent
from worker.supervision.parent import Drain


@pytest.fixture
def steady(start: Start, environment: Settings, tmp_path: Path) -> Start:
    """Starts a worker with these options."""
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


def test_a_worker_for_one_job_claims_one_at_most_and_ends(
    steady: Start, fleet: Fleet, database: Database, environment: Settings, submit: Submit, tmp_path: Path
) -> None:
    (environment.work_dir / "go").touch()
    jobs = [submit(), submit()]
    worker = steady("--one-job")
    fleet.dispatch_until(lambda: worker.poll() is not None)
    assert worker.returncode == 0, (tmp_path / "0.log").read_text()
    assert sorted(fleet.states(jobs)) == [JobState.QUEUED, JobState.SUCCEEDED]
    assert fleet.attempts() == 1


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


ONE_JOB = WorkerConditions(quarantined=False, cordoned=False, draining=False)
DRAINED = WorkerConditions(quarantined=False, cordoned=True, draining=True)


def drain_of(worker: Identity) -> Drain:
    return Drain(replace(worker, one_job=True))


def test_a_worker_for_one_job_ends_where_there_is_none_that_it_may_run(
    database: Database,
    worker: Identity,
    spec: JobSpec,
    ends: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    with database.begin() as session:
        job_id = queue_job(session, spec)
        drain_of(worker).follow(session, ONE_JOB)
        assert ends == []
        session.execute(update(Job).where(Job.id == job_id).values(needs=LARGE.model_dump()))
        owner_moves.create(session, "ada", spec)
        drain_of(worker).follow(session, ONE_JOB)
        assert ends == [], "one is still to be sized"
        session.execute(update(Job).values(needs=LARGE.model_dump()))
        drain_of(worker).follow(session, ONE_JOB)
        assert ends == [SIGTERM]
    assert "finds no job that it could take: it ends" in caplog.text


def test_a_one_job_worker_that_claims_during_the_check_does_not_end(
    database: Database, worker: Identity, submit: Submit, ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit()
    real = backlog.has_unsized

    def then_claims(session: Session) -> bool:
        with database.begin() as other:
            claim_next(other, worker.name, 30)
        return real(session)

    monkeypatch.setattr(claim, "can_claim", lambda *anything: False)
    monkeypatch.setattr(backlog, "has_unsized", then_claims)
    with database.begin() as session:
        drain_of(worker).follow(session, ONE_JOB)
        drain_of(worker).follow(session, ONE_JOB)
    assert ends == []


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
