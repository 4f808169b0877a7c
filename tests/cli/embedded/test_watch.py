"""`up` reports whether its worker takes jobs."""

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import update

from cli.embedded import watch as watches
from jobs.database import Database
from jobs.queue import conditions
from jobs.tables import Worker
from tests.eventually import Printed
from tests.jobs.queue.fleet import register

WORKER: Any = SimpleNamespace(pid=7, running=True, log=Path("worker.log"))


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
    with watches.watch_workers(database_url, WORKER) as watch:
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
    with watches.watch_workers(database_url, WORKER) as watch:
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
