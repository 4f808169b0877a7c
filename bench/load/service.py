"""The service under load: a real PostgreSQL, Valkey and dispatcher, and the jobs that it is given."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

import migrations
from bench.load.pooler import PgBouncer
from cli.embedded.postgres import Postgres
from cli.embedded.process import OwnedProcess
from cli.embedded.services import Service
from cli.embedded.valkey import Valkey
from jobs.database import engine_from, sessions
from jobs.lifecycle import owner_moves
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job, JobAttempt

_ROOT = Path(__file__).parents[2]
SPEC = JobSpec.model_validate({"recipe": {"model": "org/name", "method": "magnitude", "sparsity": 0.5}})
"""What all jobs are."""
OWNERS = 20
"""Of so many owners are the jobs."""


@dataclass
class LoadedService:
    """The service's servers, processes and database."""

    directory: Path
    postgres: Postgres
    valkey: Valkey
    pooler: PgBouncer | None
    database: sessionmaker[Session]
    """Of whoever gives it jobs, through the pooler if there is one."""
    environment: Mapping[str, str]
    processes: ExitStack
    pids: dict[str, list[int]] = field(default_factory=dict)

    def start(self, name: str, module: str, **environment: str) -> None:
        """Start a process of the service."""
        number = sum(map(len, self.pids.values()))
        service = Service(
            name, self.directory / f"{name}-{number}", [module], {**self.environment, **environment}
        )
        self.processes.enter_context(service)
        self.pids.setdefault(name, []).append(_pid(service))

    def submit(self, number: int) -> None:
        """Give it a job, of one of some owners."""
        with self.database.begin() as session:
            owner_moves.create(session, f"owner-{number % OWNERS}", SPEC)

    def succeeded(self) -> int:
        with self.database.begin() as session:
            return session.scalar(select(func.count()).where(Job.state == JobState.SUCCEEDED)) or 0

    def jobs(self) -> int:
        with self.database.begin() as session:
            return session.scalar(select(func.count()).select_from(Job)) or 0

    def at_work(self) -> int:
        """Return how many workers have begun a job."""
        with self.database.begin() as session:
            return session.scalar(select(func.count(JobAttempt.worker.distinct()))) or 0

    def delays(self, *, but: int = 0) -> list[float]:
        """Return the seconds that each job has waited, without those of the first `but` jobs."""
        waited = func.extract("epoch", Job.running_at - Job.queued_at)
        with self.database.begin() as session:
            claimed = select(waited).where(Job.running_at.is_not(None)).order_by(Job.id).offset(but)
            return [float(each) for each in session.scalars(claimed)]


@contextmanager
def service(*, server_connections: int | None = None) -> Iterator[LoadedService]:
    """Start servers and a dispatcher; with a pooler that holds so many connections, if that is said."""
    with TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        postgres = stack.enter_context(Postgres(directory / "postgres"))
        valkey = stack.enter_context(Valkey(directory / "valkey"))
        migrations.upgrade(postgres.url)
        pooler = None
        if server_connections is not None:
            pooler = stack.enter_context(PgBouncer(directory / "pgbouncer", postgres.url, server_connections))
        (directory / "store").mkdir()
        place = {
            "DATABASE_URL": pooler.url if pooler else postgres.url,
            "BROKER_URL": valkey.url,
            "STORE_URL": f"file://{directory}/store",
        }
        if pooler:
            place["DATABASE_LISTEN_URL"] = postgres.url
        environment = place | {
            "PRUNESERVE_WORK_DIR": str(directory / "work"),
            "PRUNESERVE_DEVICE": "cpu",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")]),
        }
        engine = engine_from(Settings.model_validate(place))
        stack.callback(engine.dispose)
        processes = stack.enter_context(ExitStack())
        loaded = LoadedService(directory, postgres, valkey, pooler, sessions(engine), environment, processes)
        loaded.pids |= {"PostgreSQL": [_pid(postgres)], "Valkey": [_pid(valkey)]}
        if pooler:
            loaded.pids["PgBouncer"] = [_pid(pooler)]
        loaded.start("dispatcher", "worker.dispatch")
        yield loaded


def _pid(process: OwnedProcess) -> int:
    assert process.pid is not None, "it has been started"
    return process.pid
