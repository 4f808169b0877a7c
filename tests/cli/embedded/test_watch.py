"""`up` reports servers that do not respond, processes that hang, and whether its worker takes jobs."""

import math
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, update
from sqlalchemy.orm import sessionmaker

import migrations
from cli.embedded import watch as watches
from cli.embedded.postgres import Postgres
from cli.embedded.process import EmbeddedServer, OwnedProcess, free_port
from cli.embedded.services import Api
from cli.embedded.valkey import Valkey
from jobs.database import Database, sqlalchemy_url
from jobs.queue import conditions, workers
from jobs.settings import Settings
from jobs.tables import Scheduler, Worker
from tests.cli.embedded.freezing import frozen
from tests.eventually import Printed
from tests.jobs.queue.fleet import register

WORKER: Any = SimpleNamespace(pid=7, running=True, log=Path("worker.log"), consequence="it takes no jobs")
SCHEDULER: Any = SimpleNamespace(pid=8, running=True, log=Path("scheduler.log"), consequence="no job begins")


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    monkeypatch.setattr(watches, "_CHECK_SECONDS", 0.02)
    monkeypatch.setattr(watches, "_FIRST_CHECK_SECONDS", 0.02)
    return Printed(capsys)


def name_of(process: int) -> str:
    return f"{socket.gethostname()}-{process}-a1b2c3"


def test_a_quarantine_is_reported_once_and_its_end_too(
    database: Database, database_url: str, terminal: Printed
) -> None:
    sick, wait_for = name_of(7), terminal.wait_for
    with database.begin() as session:
        conditions.quarantine(session, "killed-yesterday", "long ago")
        register(session, "killed-as-well")
        session.execute(update(Worker).values(seen_at=datetime.now(UTC) - timedelta(hours=1)))
    with watches.watch_workers(
        database_url, worker=WORKER, scheduler=SCHEDULER, silent_seconds=3600.0
    ) as watch:
        assert not watch.reported.wait(0.1)
        for fault in ("its disk has 7 B free\x1b[2J", "its disk has 6 B free"):
            with database.begin() as session:
                register(session, sick)
                conditions.quarantine(session, sick, fault)
            wait_for(f"worker {sick} takes no jobs: its disk has 7 B free")
        assert watch.reported.wait(120)
        assert not watch.takes_jobs
        with database.begin() as session:
            conditions.release(session, sick)
        wait_for(f"worker {sick} takes jobs again")
        assert watch.takes_jobs
    shown = terminal.shown
    assert shown.count("takes no jobs") == 1
    assert "killed" not in shown
    assert "(log: worker.log)" in shown
    assert "\x1b" not in shown


def test_a_worker_started_elsewhere_is_reported_as_such(
    database: Database, database_url: str, terminal: Printed
) -> None:
    with watches.watch_workers(
        database_url, worker=WORKER, scheduler=SCHEDULER, silent_seconds=3600.0
    ) as watch:
        with database.begin() as session:
            register(session, name_of(77))
            conditions.quarantine(session, "elsewhere-7-a1b2c3", "no disk")
        terminal.wait_for(f"worker {name_of(77)}, which was not started here, takes jobs\n")
        terminal.wait_for("worker elsewhere-7-a1b2c3, which was not started here, takes no jobs: no disk\n")
        assert not watch.reported.is_set()
        assert not watch.takes_jobs
        with database.begin() as session:
            register(session, name_of(7))
        terminal.wait_for(f"worker {name_of(7)} takes jobs\n")
        assert watch.reported.wait(120)
        assert watch.takes_jobs


def test_a_running_worker_without_heartbeats_is_reported_to_hang(
    database: Database, database_url: str, terminal: Printed
) -> None:
    worker = SimpleNamespace(**vars(WORKER))
    with watches.watch_workers(
        database_url,
        worker=worker,
        scheduler=SCHEDULER,
        silent_seconds=3600.0,
    ) as watch:
        watch._began -= timedelta(days=1)
        with database.begin() as session:
            register(session, name_of(7))
            register(session, name_of(77))
        terminal.wait_for(f"worker {name_of(7)} takes jobs\n")
        last = datetime.now(UTC) - timedelta(hours=2)
        with database.begin() as session:
            session.execute(update(Worker).values(seen_at=last))
        terminal.wait_for(
            f"worker {name_of(7)} hangs: it has sent no heartbeat since {last:%H:%M:%SZ}, "
            "and it takes no jobs; after `kill -9 7` it is started again (log: worker.log)"
        )
        with database.begin() as session:
            register(session, name_of(7))
        terminal.wait_for(f"worker {name_of(7)} sends heartbeats again")

        # Of one that has died, whoever restarts it speaks.
        worker.running = False
        with database.begin() as session:
            session.execute(update(Worker).values(seen_at=last))
            register(session, "another")
        terminal.wait_for("worker another, which was not started here, takes jobs")
    assert terminal.shown.count("hangs") == 1


def test_a_scheduler_that_runs_and_records_no_heartbeat_is_reported_to_hang(
    database: Database, database_url: str, terminal: Printed
) -> None:
    with watches.watch_workers(
        database_url, worker=WORKER, scheduler=SCHEDULER, silent_seconds=3600.0
    ) as watch:
        watch._began -= timedelta(days=1)
        last = datetime.now(UTC) - timedelta(hours=2)
        with database.begin() as session:
            workers.record_scheduler_heartbeat(session, name_of(8))
            workers.record_scheduler_heartbeat(session, "elsewhere-8-a1b2c3")
            session.execute(update(Scheduler).values(seen_at=last))
        terminal.wait_for(
            f"scheduler {name_of(8)} hangs: it has sent no heartbeat since "
            f"{last:%H:%M:%SZ}, and no job begins; after `kill -9 8` it is started again "
            "(log: scheduler.log)"
        )
        with database.begin() as session:
            workers.record_scheduler_heartbeat(session, name_of(8))
        terminal.wait_for(f"scheduler {name_of(8)} sends heartbeats again")
    assert terminal.shown.count("hangs") == 1


@pytest.mark.slow
def test_a_worker_is_not_reported_while_the_database_hangs(tmp_path: Path, terminal: Printed) -> None:
    with Postgres(tmp_path / "postgres") as postgres:
        migrations.upgrade(postgres.url)
        database = sessionmaker(create_engine(sqlalchemy_url(postgres.url), poolclass=NullPool))
        with watches.watch_workers(
            postgres.url, worker=WORKER, scheduler=SCHEDULER, silent_seconds=3600.0
        ) as watch:
            watch._began -= timedelta(days=1)
            with database.begin() as session:
                register(session, name_of(7))
            terminal.wait_for(f"worker {name_of(7)} takes jobs\n")
            with frozen(postgres):
                while math.isinf(watch._no_answer_at):
                    time.sleep(0.02)
            with database.begin() as session:
                session.execute(update(Worker).values(seen_at=datetime.now(UTC) - timedelta(hours=2)))
                register(session, "another")
            terminal.wait_for("worker another, which was not started here, takes jobs")
            assert "hangs" not in terminal.shown

            watch._no_answer_at -= 3601  # it has answered for as long as a worker may be silent
            terminal.wait_for(f"worker {name_of(7)} hangs")


@pytest.fixture(params=[Postgres, Valkey, Api])
def server(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> OwnedProcess:
    """A server that is not started yet."""
    if request.param is not Api:
        kind: type[EmbeddedServer] = request.param
        return kind(tmp_path / "server")
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "STORE_URL": settings.store_url,
    }
    return Api(tmp_path / "api", free_port(), environment)


@pytest.mark.slow
def test_a_server_that_hangs_is_reported_until_it_responds(
    server: OwnedProcess,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watches, "_CHECK_SECONDS", 0.02)
    monkeypatch.setattr(watches, "_MAX_SILENCE_SECONDS", 2.0)
    terminal = Printed(capsys)

    with server, watches.watch_servers([server]):
        with frozen(server):
            terminal.wait_for(f"{server.name} (process {server.pid}) has not answered since ")
        terminal.wait_for(f"{server.name} answers again")
        consequence = "no request is answered" if isinstance(server, Api) else "no job begins"
        assert f"{consequence} until it does (log: {server.log})" in terminal.shown
