"""A running service that sweeps are submitted to."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

import migrations
from cli.embedded.postgres import Postgres
from cli.embedded.process import free_port
from cli.embedded.services import Api, Service, Worker
from cli.embedded.valkey import Valkey
from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.settings import Settings
from jobs.tables import Job
from pruneserve_client import Client
from pruneserve_client.models import SweepDetail


@dataclass(frozen=True)
class Stack:
    """A running service."""

    client: Client
    database: sessionmaker[Session]

    def run_sweep(self, body: dict[str, Any]) -> tuple[SweepDetail, list[Job]]:
        """Submit a sweep or search, and wait until it ends; return it with its jobs, in order."""
        submitted = self.client.submit_sweep(body)
        *_, sweep = self.client.follow_sweep(submitted.id)
        assert sweep.state == "succeeded", sweep.error
        return sweep, self._jobs(sweep.id)

    def _jobs(self, sweep_id: UUID) -> list[Job]:
        with self.database.begin() as session:
            jobs = session.scalars(select(Job).where(Job.sweep_id == sweep_id).order_by(Job.id)).all()
            session.expunge_all()
        return list(jobs)


@contextmanager
def stack(roots: Sequence[Path]) -> Iterator[Stack]:
    """Run PostgreSQL, Valkey, API, scheduler and one worker, which may read files under `roots`."""
    with ExitStack() as running:
        directory = Path(running.enter_context(tempfile.TemporaryDirectory()))
        postgres = running.enter_context(Postgres(directory / "postgres"))
        valkey = running.enter_context(Valkey(directory / "valkey"))
        migrations.upgrade(postgres.url)
        readable = ":".join(map(str, roots))
        (directory / "store").mkdir()
        place = {
            "DATABASE_URL": postgres.url,
            "BROKER_URL": valkey.url,
            "STORE_URL": f"file://{directory}/store",
        }
        settings = place | {
            "PRUNESERVE_WORK_DIR": str(directory / "work"),
            "PRUNESERVE_MODEL_ROOTS": readable,
            "PRUNESERVE_DATA_ROOTS": readable,
        }
        engine = engine_from(Settings.model_validate(place))
        running.callback(engine.dispose)
        database = sessions(engine)
        with database.begin() as session:
            key = api_keys.create(session, "bench", "bench")
        api = running.enter_context(Api(directory / "api", free_port(), settings))
        running.enter_context(Service("scheduler", directory / "scheduler", ["scheduler"], settings))
        running.enter_context(Worker(directory / "worker", settings))
        yield Stack(running.enter_context(Client(api.url, key)), database)
