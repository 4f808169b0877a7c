"""Real workers, one of which loses its work directory: it is quarantined, no job is lost, and it recovers."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
import redis
from sqlalchemy import func, select

from jobs.broker import app
from jobs.database import Database
from jobs.queue import conditions
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import Job, JobAttempt, Worker
from scheduler.rounds import Scheduler
from tests.conftest import Submit
from tests.eventually import eventually
from tests.limits import with_limits
from tests.small_disk import mounted

Start = Callable[[Path], subprocess.Popen[bytes]]

ROOT = Path(__file__).parents[3]


@pytest.fixture
def start(environment: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker with this work directory, which tests itself again every half second."""
    broker = environment.broker_url.get_secret_value()
    monkeypatch.setattr(app.conf, "broker_url", broker)
    redis.Redis.from_url(broker).ping()
    started: list[subprocess.Popen[bytes]] = []

    def begin(work_dir: Path) -> subprocess.Popen[bytes]:
        own = {
            "PRUNESERVE_WORK_DIR": str(work_dir),
            **with_limits(QUARANTINE_SECONDS=0.5, HEARTBEAT_SECONDS=0.2),
        }
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", "tests.worker.supervision.sick_worker"],
                    cwd=ROOT,
                    env=os.environ | own,
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


class Fleet:
    """The scheduler, by hand, and what the database says."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.scheduler = Scheduler(database)

    def dispatch_until(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        def dispatched() -> bool:
            self.scheduler.round()
            return condition()

        eventually(dispatched, seconds=seconds, every=0.1)

    def workers(self) -> list[Worker]:
        with self.database.begin() as session:
            return list(session.scalars(select(Worker).order_by(Worker.started_at)))

    def states(self, jobs: list[UUID]) -> list[JobState]:
        with self.database.begin() as session:
            return [session.get_one(Job, job_id).state for job_id in jobs]

    def workers_of(self, jobs: list[UUID]) -> set[str]:
        with self.database.begin() as session:
            return set(session.scalars(select(JobAttempt.worker).where(JobAttempt.job_id.in_(jobs))))

    def attempts(self) -> int:
        with self.database.begin() as session:
            return session.scalars(select(func.count()).select_from(JobAttempt)).one()


@pytest.mark.threat
def test_a_sick_worker_loses_no_job_and_takes_jobs_again_once_repaired(
    start: Start, environment: Settings, database: Database, submit: Submit, tmp_path: Path
) -> None:
    fleet = Fleet(database, environment)
    disk = tmp_path / "sick"
    disk.write_text("a file where a directory should be")
    start(disk)
    first = submit()
    fleet.dispatch_until(lambda: [worker.quarantined_at is not None for worker in fleet.workers()] == [True])
    assert fleet.attempts() == 0, "it takes no job before it has passed its first self-test"
    disk.unlink()
    fleet.dispatch_until(lambda: fleet.states([first]) == [JobState.SUCCEEDED])

    disk.rmdir()
    disk.write_text("a file again")
    jobs = [submit() for _ in range(6)]
    fleet.dispatch_until(lambda: fleet.workers()[0].quarantined_at is not None)
    (sick,) = fleet.workers()
    assert "work directory" in (sick.fault or "")
    assert fleet.states(jobs) == [JobState.QUEUED] * 6
    start(tmp_path / "well")
    fleet.dispatch_until(lambda: fleet.states(jobs) == [JobState.SUCCEEDED] * 6)
    assert fleet.attempts() == 1 + 3 + 6, "the quarantined worker claimed none of them"

    disk.unlink()
    fleet.dispatch_until(lambda: all(worker.quarantined_at is None for worker in fleet.workers()))
    more: list[UUID] = []

    def claims_again() -> bool:
        more.append(submit())
        return sick.name in fleet.workers_of(more)

    fleet.dispatch_until(claims_again)
    fleet.dispatch_until(lambda: set(fleet.states(more)) == {JobState.SUCCEEDED})


def test_a_drained_worker_ends_in_order_on_a_read_only_disk(
    start: Start, environment: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRUNESERVE_METRICS", "127.0.0.1:0")
    fleet = Fleet(database, environment)
    with mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("TMPDIR", str(disk))
        (disk / "work").write_text("a file where a directory should be")
        worker = start(disk / "work")
        eventually(lambda: [it.quarantined_at is not None for it in fleet.workers()] == [True])
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with database.begin() as session:
            assert conditions.drain(session, fleet.workers()[0].name)
        assert worker.wait(120) == 0, (tmp_path / "0.log").read_text()
