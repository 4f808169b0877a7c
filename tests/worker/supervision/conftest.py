"""A worker's parent process without Celery, and real workers with a scheduler by hand."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import psutil
import pytest
import redis
from celery import signals
from sqlalchemy import func, select

from jobs.broker import app
from jobs.database import Database
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import Job, JobAttempt, Worker
from scheduler.rounds import Scheduler
from tests.eventually import eventually
from worker.identity import Identity
from worker.supervision.parent import Parent

Start = Callable[..., subprocess.Popen[bytes]]

ROOT = Path(__file__).parents[3]
PATIENCE = 280.0  # seconds: a busy machine takes a minute to start a worker and its child


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Handlers of Celery's signals that a test connects are removed after it."""
    watched = (
        signals.worker_ready,
        signals.worker_shutting_down,
        signals.worker_shutdown,
        signals.task_failure,
    )
    before = [(signal, signal.receivers) for signal in watched]
    for signal, receivers in before:
        signal.receivers = list(receivers or [])
    yield
    for signal, receivers in before:
        signal.receivers = receivers


@pytest.fixture
def parent(
    database: Database, settings: Settings, unregistered_worker: Identity, own_signals: None
) -> Iterator[Parent]:
    parent = Parent(settings, database, unregistered_worker)
    parent.connect_signals()
    yield parent
    parent.stop()


@pytest.fixture
def unreadable_records(worker: Identity) -> None:
    """The directory of a worker's records gives an OSError: it is a link to a name that is too long."""
    worker.claims_directory.symlink_to("a" * 300)


@pytest.fixture
def unregistered_worker() -> Iterator[Identity]:
    """A worker that is not registered yet."""
    worker = Identity.new()
    yield worker
    worker.remove_directory()


@pytest.fixture
def start(environment: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """Starts a module of this directory, with variables; its log is `<number>.log`."""
    url = environment.broker_url.get_secret_value()
    monkeypatch.setattr(app.conf, "broker_url", url)
    redis.Redis.from_url(url).ping()
    started: list[subprocess.Popen[bytes]] = []

    def begin(module: str, **variables: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"tests.worker.supervision.{module}"]
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            started.append(
                subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, stdout=log, stderr=log)
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

    def __init__(self, database: Database) -> None:
        self.database = database
        self.scheduler = Scheduler(database)

    def dispatch_until(self, condition: Callable[[], bool]) -> None:
        def dispatched() -> bool:
            self.scheduler.round()
            return condition()

        eventually(dispatched, seconds=PATIENCE, every=0.3)

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


@pytest.fixture
def fleet(database: Database) -> Fleet:
    return Fleet(database)
