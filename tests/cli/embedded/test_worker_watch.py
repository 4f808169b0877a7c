"""`up` says whether its worker takes jobs, from the row that the worker writes."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from cli.embedded import worker_watch
from jobs.fleet import dispatch_queue, quarantine
from jobs.tables import Worker

Database = sessionmaker[Session]


def test_a_quarantine_is_said_once_and_its_end_too(
    database: Database,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_watch, "_CHECK_SECONDS", 0.02)
    monkeypatch.setattr(worker_watch, "_FIRST_CHECK_SECONDS", 0.02)
    shown = ""

    def said(text: str) -> bool:
        nonlocal shown
        shown += capsys.readouterr().out
        return text in shown

    def wait_for(text: str) -> None:
        deadline = time.monotonic() + 120
        while not said(text):
            assert time.monotonic() < deadline, shown
            time.sleep(0.02)

    with database.begin() as session:
        quarantine.quarantine(session, "killed-yesterday", "prune", "long ago")
        dispatch_queue.worker_seen(session, "killed-as-well", "prune")
        session.execute(update(Worker).values(seen_at=datetime.now(UTC) - timedelta(hours=1)))
    with worker_watch.workers_watched(database_url, Path("worker.log")) as watch:
        assert not watch.heard.wait(0.1)
        for fault in ("its disk has 7 bytes free\x1b[2J", "its disk has 6 bytes free"):
            with database.begin() as session:
                dispatch_queue.worker_seen(session, "sick", "prune")
                quarantine.quarantine(session, "sick", "prune", fault)
            wait_for("worker sick takes no jobs: its disk has 7 bytes free")
        assert watch.heard.wait(120)
        assert not watch.takes_jobs
        with database.begin() as session:
            quarantine.release(session, "sick")
            dispatch_queue.worker_seen(session, "well", "prune")
        wait_for("worker sick takes jobs again")
        wait_for("worker well takes jobs\n")
        assert watch.takes_jobs
    assert shown.count("takes no jobs") == 1
    assert "killed" not in shown
    assert "(log: worker.log)" in shown
    assert "\x1b" not in shown
