"""`up` says whether its worker takes jobs, from the row that the worker writes."""

import math
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, update
from sqlalchemy.orm import Session, sessionmaker

import migrations
from cli.embedded import worker_watch
from cli.embedded.postgres import Postgres
from cli.embedded.worker_watch import Own
from jobs.database import sqlalchemy_url
from jobs.queue import quarantine, schedulers
from jobs.tables import Scheduler, Worker
from tests.cli.embedded.freezing import frozen
from tests.jobs.queue.fleet import register

Database = sessionmaker[Session]

WORKER = Own(Path("worker.log"), lambda: 7, "it takes no jobs")
SCHEDULER = Own(Path("scheduler.log"), lambda: 8, "no job begins")


class Terminal:
    """What was said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.shown = ""

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + 120
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            time.sleep(0.02)
            self.shown += self._capsys.readouterr().out


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setattr(worker_watch, "_CHECK_SECONDS", 0.02)
    monkeypatch.setattr(worker_watch, "_FIRST_CHECK_SECONDS", 0.02)
    return Terminal(capsys)


def name_of(process: int) -> str:
    return f"{socket.gethostname()}-{process}-a1b2c3"


def test_a_quarantine_is_said_once_and_its_end_too(
    database: Database, database_url: str, terminal: Terminal
) -> None:
    sick, wait_for = name_of(7), terminal.wait_for
    with database.begin() as session:
        quarantine.quarantine(session, "killed-yesterday", "cpu", "long ago")
        register(session, "killed-as-well")
        session.execute(update(Worker).values(seen_at=datetime.now(UTC) - timedelta(hours=1)))
    with worker_watch.watch_workers(
        database_url, worker=WORKER, scheduler=SCHEDULER, silent_seconds=3600.0
    ) as watch:
        assert not watch.heard.wait(0.1)
        for fault in ("its disk has 7 B free\x1b[2J", "its disk has 6 B free"):
            with database.begin() as session:
                register(session, sick)
                quarantine.quarantine(session, sick, "cpu", fault)
            wait_for(f"worker {sick} takes no jobs: its disk has 7 B free")
        assert watch.heard.wait(120)
        assert not watch.takes_jobs
        with database.begin() as session:
            quarantine.release(session, sick)
        wait_for(f"worker {sick} takes jobs again")
        assert watch.takes_jobs
    shown = terminal.shown
    assert shown.count("takes no jobs") == 1
    assert "killed" not in shown
    assert "(log: worker.log)" in shown
    assert "\x1b" not in shown


def test_a_worker_that_somebody_else_has_started_is_not_called_the_own_one(
    database: Database, database_url: str, terminal: Terminal
) -> None:
    with worker_watch.watch_workers(
        database_url, worker=WORKER, scheduler=SCHEDULER, silent_seconds=3600.0
    ) as watch:
        with database.begin() as session:
            register(session, name_of(77))
            quarantine.quarantine(session, "elsewhere-7-a1b2c3", "cpu", "no disk")
        terminal.wait_for(f"worker {name_of(77)}, which was not started here, takes jobs\n")
        terminal.wait_for("worker elsewhere-7-a1b2c3, which was not started here, takes no jobs: no disk\n")
        assert not watch.heard.is_set()
        assert not watch.takes_jobs
        with database.begin() as session:
            register(session, name_of(7))
        terminal.wait_for(f"worker {name_of(7)} takes jobs\n")
        assert watch.heard.wait(120)
        assert watch.takes_jobs


def test_a_worker_that_runs_and_gives_no_sign_of_life_is_said_to_hang(
    database: Database, database_url: str, terminal: Terminal
) -> None:
    process: list[int | None] = [7]
    with worker_watch.watch_workers(
        database_url,
        worker=replace(WORKER, process=lambda: process[0]),
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
            f"worker {name_of(7)} hangs: it has given no sign of life since {last.astimezone():%H:%M:%S}, "
            "and it takes no jobs; after `kill -9 7` it is started again (log: worker.log)"
        )
        with database.begin() as session:
            register(session, name_of(7))
        terminal.wait_for(f"worker {name_of(7)} gives signs of life again")

        # Of one that has died, whoever restarts it speaks.
        process[0] = None
        with database.begin() as session:
            session.execute(update(Worker).values(seen_at=last))
            register(session, "another")
        terminal.wait_for("worker another, which was not started here, takes jobs")
    assert terminal.shown.count("hangs") == 1


def test_a_scheduler_that_runs_and_records_no_heartbeat_is_reported_to_hang(
    database: Database, database_url: str, terminal: Terminal
) -> None:
    with worker_watch.watch_workers(
        database_url, worker=WORKER, scheduler=SCHEDULER, silent_seconds=3600.0
    ) as watch:
        watch._began -= timedelta(days=1)
        last = datetime.now(UTC) - timedelta(hours=2)
        with database.begin() as session:
            schedulers.record_scheduler_heartbeat(session, name_of(8))
            schedulers.record_scheduler_heartbeat(session, "elsewhere-8-a1b2c3")
            session.execute(update(Scheduler).values(seen_at=last))
        terminal.wait_for(
            f"scheduler {name_of(8)} hangs: it has given no sign of life since "
            f"{last.astimezone():%H:%M:%S}, and no job begins; after `kill -9 8` it is started again "
            "(log: scheduler.log)"
        )
        with database.begin() as session:
            schedulers.record_scheduler_heartbeat(session, name_of(8))
        terminal.wait_for(f"scheduler {name_of(8)} gives signs of life again")
    assert terminal.shown.count("hangs") == 1


@pytest.mark.slow
def test_a_worker_is_not_said_to_hang_because_the_database_did(tmp_path: Path, terminal: Terminal) -> None:
    with Postgres(tmp_path / "postgres") as postgres:
        migrations.upgrade(postgres.url)
        database = sessionmaker(create_engine(sqlalchemy_url(postgres.url), poolclass=NullPool))
        with worker_watch.watch_workers(
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
