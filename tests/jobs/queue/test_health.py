"""A part is healthy while a process of this host sends heartbeats."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.queue import workers
from jobs.queue.workers import HeartbeatSender, has_live_process
from jobs.tables import Scheduler, Worker

HEARTBEATS: dict[HeartbeatSender, Callable[[Session, str], object]] = {
    "worker": lambda session, name: workers.record_worker_heartbeat(session, name, "cpu"),
    "scheduler": workers.record_scheduler_heartbeat,
}
TABLES: dict[HeartbeatSender, type[Worker] | type[Scheduler]] = {"worker": Worker, "scheduler": Scheduler}


def age(session: Session, part: HeartbeatSender, *, seconds: float) -> None:
    """Let every heartbeat be older."""
    older = TABLES[part].seen_at - timedelta(seconds=seconds)
    session.execute(update(TABLES[part]).values(seen_at=older))


@pytest.mark.parametrize("part", HEARTBEATS)
def test_only_a_recent_heartbeat_of_this_part_and_host_counts(
    database: Database, part: HeartbeatSender
) -> None:
    other: HeartbeatSender = "worker" if part == "scheduler" else "scheduler"
    with database.begin() as session:
        assert not has_live_process(session, part, "host.a", 30)
        HEARTBEATS[part](session, "host.a-17-0af3c1")
        assert has_live_process(session, part, "host.a", 30)
        assert not has_live_process(session, other, "host.a", 30)
        assert not any(
            has_live_process(session, part, host, 30) for host in ("host", "hostxa", "host.a-17", ".*")
        )
        age(session, part, seconds=31)
        assert not has_live_process(session, part, "host.a", 30)
        HEARTBEATS[part](session, "host.a-17-0af3c1")
        assert has_live_process(session, part, "host.a", 30)


@pytest.mark.parametrize("part", HEARTBEATS)
def test_workers_without_heartbeats_are_deleted(database: Database, part: HeartbeatSender) -> None:
    with database.begin() as session:
        HEARTBEATS[part](session, "host-17-0af3c1")
        age(session, part, seconds=7200)
        HEARTBEATS[part](session, "host-18-0af3c1")
        workers.delete_stale_workers(session, 3600)
        workers.delete_stale_schedulers(session, 3600)
        assert session.scalars(select(TABLES[part].name)).all() == ["host-18-0af3c1"]


def test_a_worker_in_quarantine_is_not_healthy(database: Database) -> None:
    with database.begin() as session:
        HEARTBEATS["worker"](session, "host-17-0af3c1")
        assert has_live_process(session, "worker", "host", 30)
        session.execute(update(Worker).values(quarantined_at=Worker.seen_at))
        assert not has_live_process(session, "worker", "host", 30)


def health(part: HeartbeatSender, url: str, code: int = 1) -> str:
    """Run the health check, which ends with this code, and return what it says."""
    place = os.environ | {"DATABASE_URL": url, "STORE_URL": "file:///store"}
    command = [sys.executable, "-m", "jobs.manage", "health", part]
    done = subprocess.run(command, env=place, capture_output=True, text=True, check=False)
    assert done.returncode == code
    return done.stderr


def test_the_check_says_what_is_wrong(database: Database, database_url: str) -> None:
    assert (
        health("scheduler", database_url) == "no scheduler of this host sent a heartbeat in the last 30 s\n"
    )
    with database.begin() as session:
        HEARTBEATS["worker"](session, workers.unique_name())
        age(session, "worker", seconds=-600)  # the checks take long on a busy machine
        HEARTBEATS["scheduler"](session, workers.unique_name())
        age(session, "scheduler", seconds=-600)
    assert health("worker", database_url, 0) == health("scheduler", database_url, 0) == ""
    with database.begin() as session:
        session.execute(update(Worker).values(quarantined_at=Worker.seen_at, fault="its disk is full"))
    assert health("worker", database_url) == "the worker of this host is in quarantine: its disk is full\n"
    wrong = make_url(database_url).set(password="wrong").render_as_string(hide_password=False)
    [line] = health("worker", wrong).splitlines()
    assert line.startswith("the database of DATABASE_URL is unavailable: ")
    assert "password authentication failed" in line


def test_the_check_of_an_empty_database_asks_for_the_migrations(empty_database_url: str) -> None:
    assert health("worker", empty_database_url) == (
        'the database of DATABASE_URL refuses: relation "workers" does not exist; '
        "run pruneserve-migrate first\n"
    )
