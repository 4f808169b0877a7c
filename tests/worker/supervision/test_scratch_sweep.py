"""A worker deletes what ended jobs have left in its work directory."""

import os
import shutil
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from celery import signals
from sqlalchemy import select, text, update

from jobs import limits
from jobs.clock import boot_time
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import workers
from jobs.settings import Settings
from jobs.tables import NOW, Job, JobAttempt, Worker
from tests.conftest import Submit
from tests.eventually import eventually
from tests.jobs.queue.fleet import CPU, register
from tests.small_disk import dead_mount
from worker import scratch, self_test
from worker.identity import HeldClaim, Identity
from worker.supervision.parent import Parent


@pytest.fixture
def worker(unregistered_worker: Identity) -> Identity:
    return unregistered_worker


def test_abandoned_scratch_directories_are_deleted_unless_a_job_may_resume(
    parent: Parent, database: Database, settings: Settings, worker: Identity, claim: Claim, submit: Submit
) -> None:
    cancelled_id, queued_id = submit(), submit()
    with database.begin() as session:
        assert owner_moves.cancel(session, "ada", cancelled_id)
        session.execute(update(Job).where(Job.id == cancelled_id).values(attempt=1))
    running, queued, cancelled = (
        settings.work_dir / str(job_id) / "1" for job_id in (claim.job_id, queued_id, cancelled_id)
    )
    other = settings.work_dir / "not-a-job-at-all"
    for directory in (running, queued, cancelled, other):
        directory.mkdir(parents=True)
    # As a read-only disk keeps it.
    HeldClaim(worker.claims_directory / "task.json", cancelled_id, 1, uuid4(), boot_time()).write()
    parent.wait_until_fit()
    assert running.exists()
    assert queued.exists()
    assert not cancelled.parent.exists()
    assert other.exists()


@pytest.mark.parametrize(
    "case",
    [(9, {1}, {1}), (11, {1}, set()), (11, {1, 2}, {1, 2}), (11, {3}, {3})],
    ids=["may begin here", "long elsewhere", "another worker of this machine", "a later attempt"],
)
def test_files_of_a_job_that_continues_elsewhere_are_deleted(
    parent: Parent,
    database: Database,
    settings: Settings,
    claim: Claim,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[float, set[int], set[int]],
) -> None:
    minutes, here, left = case
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "shuts down")
        assert lifecycle.claim(session, claim.job_id, "elsewhere", 60) is not None
        began = NOW - timedelta(minutes=minutes)
        session.execute(update(JobAttempt).where(JobAttempt.attempt == 2).values(started_at=began))
    directory = settings.work_dir / str(claim.job_id)
    for number in here:
        (directory / str(number) / "resume").mkdir(parents=True)
    first = _left_by_a_job_that_ended(settings.work_dir)
    monkeypatch.setattr("worker.supervision.parent._SECONDS_BETWEEN_SWEEPS", 0.01)
    signals.worker_ready.send(sender=None)
    eventually(lambda: not first.exists())
    # What a sweep finds is deleted one after the other: the next one begins behind the last of it.
    second = _left_by_a_job_that_ended(settings.work_dir)
    eventually(lambda: not second.exists())
    assert {int(path.name) for path in directory.glob("*")} == left


def _left_by_a_job_that_ended(work_dir: Path) -> Path:
    directory = work_dir / str(uuid4())
    (directory / "1" / "resume").mkdir(parents=True)
    _changed_before(directory, minutes=61)
    return directory


def _changed_before(directory: Path, minutes: float) -> None:
    then = time.time() - 60 * minutes
    for each in (directory, *directory.rglob("*")):
        os.utime(each, (then, then))


def test_files_of_an_unknown_job_stay_for_an_hour_after_their_last_change(
    parent: Parent, settings: Settings
) -> None:
    idle, working = (settings.work_dir / str(uuid4()) for _ in range(2))
    for directory in (idle, working):
        (directory / "1" / "resume").mkdir(parents=True)
        (directory / "1" / "resume" / "shard").write_bytes(b"1")
        _changed_before(directory, minutes=61)
    shard = working / "1" / "resume" / "shard"
    os.utime(shard)
    parent.wait_until_fit()
    assert not idle.exists()
    assert shard.exists()
    _changed_before(working, minutes=61)
    parent.wait_until_fit()
    assert not working.exists()


def test_the_disk_is_read_outside_of_transactions(
    parent: Parent, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends one that is idle for long, and a disk can take minutes."""
    directory = _left_by_a_job_that_ended(settings.work_dir)
    states: list[list[str]] = []

    def look(_directory: Path, _seconds: float) -> bool:
        with database.begin() as session:
            asked = "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
            states.append([*session.scalars(text(asked))])
        return False

    monkeypatch.setattr(scratch, "_changed_within", look)
    parent.wait_until_fit()
    assert not directory.exists()
    assert "idle in transaction" not in states[0]


@pytest.mark.threat
def test_a_disk_that_ended_jobs_fill_is_freed_by_the_worker_that_sits_it_out(
    database: Database, settings: Settings, worker: Identity, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk of 1,000,000 bytes, of which a job that may still resume holds 600,000."""
    job_id = submit()
    left = settings.work_dir / str(job_id) / "1" / "state"
    left.parent.mkdir(parents=True)
    left.write_bytes(bytes(600_000))

    def usage(_path: object) -> SimpleNamespace:
        used = sum(file.stat().st_size for file in settings.work_dir.rglob("*") if file.is_file())
        return SimpleNamespace(free=1_000_000 - used)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 500_000)
    monkeypatch.setattr(limits, "QUARANTINE_SECONDS", 0.05)
    parent = Parent(settings, database, worker)
    waits = threading.Thread(target=parent.wait_until_fit, daemon=True)
    waits.start()

    def live() -> list[str]:
        with database.begin() as session:
            return list(session.scalars(select(Worker.name)))

    eventually(lambda: live() == [worker.name])
    with database.begin() as session:
        assert "400 kB free" in (session.scalars(select(Worker.fault)).one() or "")
        session.execute(update(Job).where(Job.id == job_id).values(attempt=1))
        assert owner_moves.cancel(session, "ada", job_id)
    eventually(lambda: not waits.is_alive())
    assert not left.exists()
    parent.stop()


def test_a_worker_whose_scratch_disk_does_not_answer_says_so(
    database: Database, settings: Settings, worker: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_test, "_ANSWER_SECONDS", 0.2)

    def fault() -> str:
        with database.begin() as session:
            return session.scalars(select(Worker.fault)).one_or_none() or ""

    with dead_mount(tmp_path / "mount", hangs=True) as directory:
        parent = Parent(settings.model_copy(update={"work_dir": directory / "work"}), database, worker)

        def wait() -> None:
            with suppress(SystemExit):
                parent.wait_until_fit()

        waits = threading.Thread(target=wait)
        waits.start()
        eventually(lambda: "(PRUNESERVE_WORK_DIR) cannot be written (ETIMEDOUT, " in fault())
        parent.stop()
    waits.join()


@pytest.mark.usefixtures("unreadable_records")
def test_room_that_was_made_on_the_disk_is_recorded(
    parent: Parent,
    database: Database,
    settings: Settings,
    worker: Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.supervision.parent._SECONDS_BETWEEN_SWEEPS", 0.01)
    monkeypatch.setattr(limits, "MIN_FREE_DISK_BYTES", 0)
    settings.work_dir.mkdir()
    with database.begin() as session:
        register(session, worker.name, capacity=CPU.model_copy(update={"scratch_bytes": 1}))

    def room() -> int:
        with database.begin() as session:
            found = workers.capacity_of(session, worker.name)
        return found.scratch_bytes if found else 0

    signals.worker_ready.send(sender=None)
    eventually(lambda: room() > 1)
