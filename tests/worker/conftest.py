"""The parts of a worker in this process, on a real database and a real broker."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

import jobs.settings
import pruning.pipeline.run
from jobs import limits
from jobs.database import Database
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from tests.claims import take
from tests.conftest import Submit
from tests.jobs.queue.fleet import register
from tests.scheduler.receiver import Receiver
from tests.stack import directory_store
from tests.worker.one_job import Service
from worker import retry, run_job
from worker.identity import Identity


@pytest.fixture(autouse=True)
def fast_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for a heartbeat."""
    monkeypatch.setattr(limits, "HEARTBEAT_SECONDS", 0.05)


@pytest.fixture
def worker(request: pytest.FixtureRequest) -> Iterator[Identity]:
    """A worker. Where the test has a database, it is registered there and stays alive."""
    worker = Identity.new()
    if "database" in request.fixturenames:
        with request.getfixturevalue("database").begin() as session:
            register(session, worker.name)
    yield worker
    worker.remove_directory()


@pytest.fixture
def claim(database: Database, submit: Submit, worker: Identity) -> Claim:
    """The claim of a job that this worker has just claimed."""
    return take(database, submit(), worker.name)


@pytest.fixture
def environment(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, broker_url: str, store_url: str
) -> Iterator[Settings]:
    """The environment variables of the service, for code that reads its settings itself."""
    for name, value in {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "BROKER_URL": broker_url,
        "STORE_URL": store_url,
        "PRUNESERVE_WORK_DIR": str(settings.work_dir),
    }.items():
        monkeypatch.setenv(name, value)
    jobs.settings.settings.cache_clear()
    yield jobs.settings.settings()
    jobs.settings.settings.cache_clear()


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return directory_store(tmp_path)


@pytest.fixture
def cut_connections(database: Database) -> Callable[[], None]:
    """Ends all other connections to the test's database, as a restart of the server would."""

    def cut() -> None:
        with database.begin() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid() "
                    "AND backend_type = 'client backend'"
                )
            )

    return cut


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Starts a server that answers with these statuses; see `Receiver`."""
    opened: list[Receiver] = []

    def open_one(*statuses: int, tls: ssl.SSLContext | None = None) -> Receiver:
        opened.append(Receiver(*statuses, tls=tls))
        return opened[-1]

    yield open_one
    for receiver in opened:
        receiver.close()


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(retry, "_MAX_WAIT_SECONDS", 0.02)
    monkeypatch.setattr(run_job, "_SECONDS_UNTIL_MEMORY_IS_FREE", 0.02)


@pytest.fixture
def service(
    database: Database, settings: Settings, worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> Service:
    """A service whose jobs run the stand-in for the library."""
    service = Service(database, settings, worker)
    monkeypatch.setattr(pruning.pipeline.run, "run", service.library)
    return service


@pytest.fixture
def job_id(submit: Submit) -> UUID:
    return submit()
