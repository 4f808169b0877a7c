"""What a worker's parent does when Celery sends its signals."""

import itertools
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from celery import signals
from celery.concurrency.prefork import TaskPool
from celery.exceptions import WorkerLostError
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from jobs import limits
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import held_jobs, steering, workers
from jobs.queue.classes import Capacity
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import NOW, Job, JobAttempt, Worker
from pruning.estimate import ASSUMED
from pruning.sandbox.confine import LAYERS
from pruning.sandbox.fork_server import missing_sandbox_layers
from worker.holding import Holding
from worker.identity import Identity
from worker.interrupts import ShutdownRequested
from worker.supervision import death_cause
from worker.supervision.idle_kills import IdleKills
from worker.supervision.parent import Parent

Database = sessionmaker[Session]
Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Whoever a test lets handle Celery's signals does so during that test only."""
    watched = (signals.worker_ready, signals.worker_shutting_down, signals.task_failure)
    before = [(signal, signal.receivers) for signal in watched]
    for signal, receivers in before:
        signal.receivers = list(receivers or [])
    yield
    for signal, receivers in before:
        signal.receivers = receivers


@pytest.fixture
def parent(database: Database, settings: Settings, worker: Identity, own_signals: None) -> Iterator[Parent]:
    parent = Parent(settings, database, worker)
    parent.connect_signals()
    yield parent
    parent.stop()


def job(database: Database, job_id: UUID) -> Job:
    with database.begin() as session:
        return session.get_one(Job, job_id)


def live(database: Database) -> list[str]:
    with database.begin() as session:
        return list(session.scalars(select(Worker.name)))


def child_dies(worker: Identity, claim: Claim | None, exception: Exception) -> None:
    """Let a child that holds a claim die in its task."""
    if claim is not None:
        path = worker.holdings / "task.json"
        Holding(path, claim.job_id, claim.attempt, claim.lease_token, time.monotonic() + 30).write()
    signals.task_failure.send(sender=None, task_id="task", exception=exception, args=[], kwargs={})
    assert claim is None or not isinstance(exception, WorkerLostError) or not path.exists()


@pytest.fixture
def worker() -> Iterator[Identity]:
    """A worker that is not registered yet."""
    worker = Identity.new()
    yield worker
    worker.remove_shutdown_flag()


KILLED = WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 0.")


def test_a_dead_childs_job_is_requeued_at_once(
    parent: Parent, database: Database, claim: Claim, worker: Identity
) -> None:
    child_dies(worker, claim, KILLED)
    waiting = job(database, claim.job_id)
    assert (waiting.state, waiting.lost_attempts) == (JobState.QUEUED, 1)
    with database.begin() as session:
        attempt = lifecycle.claim(session, claim.job_id, "another", 30)
    assert attempt is not None
    assert attempt.attempt == 2


@pytest.mark.threat
def test_a_child_that_keeps_dying_fails_its_job_with_the_signal(
    parent: Parent, database: Database, claim: Claim, worker: Identity
) -> None:
    again: Claim | None = claim
    for _ in range(3):
        child_dies(worker, again, KILLED)
        with database.begin() as session:
            again = lifecycle.claim(session, claim.job_id, worker.name, 30)
    failed = job(database, claim.job_id)
    assert failed.state == JobState.FAILED
    assert failed.error is not None
    assert "SIGKILL" in failed.error["message"]


def test_a_job_that_is_another_workers_meanwhile_is_left_alone(
    parent: Parent, database: Database, claim: Claim, worker: Identity
) -> None:
    with database.begin() as session:
        lifecycle.take_back(session, claim.job_id, claim.lease_token, "its lease ended", 3)
        lifecycle.claim(session, claim.job_id, "another", 30)
    child_dies(worker, claim, KILLED)
    assert job(database, claim.job_id).worker == "another"


def test_a_child_that_held_nothing_leaves_the_job_of_the_next_one_alone(
    parent: Parent, database: Database, claim: Claim, worker: Identity
) -> None:
    child_dies(worker, None, KILLED)
    assert job(database, claim.job_id).state == JobState.RUNNING


def test_an_exception_in_a_child_is_not_its_death(
    parent: Parent, database: Database, claim: Claim, worker: Identity
) -> None:
    child_dies(worker, claim, RuntimeError("something else"))
    assert job(database, claim.job_id).state == JobState.RUNNING


def test_what_a_child_held_that_died_while_the_database_was_away_is_taken_back_later(
    parent: Parent,
    database: Database,
    claim: Claim,
    worker: Identity,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unavailable(*anything: object, **options: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the database is shutting down"))

    with monkeypatch.context() as outage:
        outage.setattr(held_jobs, "held_by", unavailable)
        child_dies(worker, claim, KILLED)
        assert job(database, claim.job_id).state == JobState.RUNNING
    signals.worker_ready.send(sender=None)
    eventually(lambda: job(database, claim.job_id).state == JobState.QUEUED)
    assert job(database, claim.job_id).lost_attempts == 1


def test_a_worker_is_registered_while_it_takes_jobs(
    parent: Parent, database: Database, worker: Identity, eventually: Eventually
) -> None:
    assert live(database) == []
    signals.worker_ready.send(sender=None)
    eventually(lambda: live(database) == [worker.name])
    with database.begin() as session:
        sandbox = session.scalars(select(Worker.sandbox)).one()
    missing = missing_sandbox_layers()
    assert sandbox == {layer: layer not in missing for layer in LAYERS}
    signals.worker_shutting_down.send(sender=None, sig="SIGTERM", how="Warm", exitcode=0)
    eventually(lambda: live(database) == [])
    with pytest.raises(ShutdownRequested):
        worker.check()


def test_the_heartbeat_survives_an_outage_of_the_database(
    parent: Parent,
    database: Database,
    worker: Identity,
    cut_connections: Callable[[], None],
    eventually: Eventually,
) -> None:
    signals.worker_ready.send(sender=None)
    eventually(lambda: live(database) == [worker.name])
    cut_connections()

    def seen_at() -> object:
        with database.begin() as session:
            return session.scalars(select(Worker.seen_at)).one()

    before = seen_at()
    eventually(lambda: seen_at() != before)


def test_abandoned_scratch_directories_are_deleted_unless_their_job_may_resume(
    parent: Parent, database: Database, settings: Settings, claim: Claim, submit: Callable[[], UUID]
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
def test_what_is_left_of_a_job_that_goes_on_elsewhere_is_deleted_while_the_worker_runs(
    parent: Parent,
    database: Database,
    settings: Settings,
    claim: Claim,
    eventually: Eventually,
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


def test_a_job_of_another_database_keeps_its_files_for_an_hour_after_their_last_change(
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


@pytest.mark.threat
def test_a_disk_that_ended_jobs_fill_is_freed_by_the_worker_that_sits_it_out(
    database: Database,
    settings: Settings,
    worker: Identity,
    submit: Callable[[], UUID],
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
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
    eventually(lambda: live(database) == [worker.name])
    with database.begin() as session:
        assert "400 kB free" in (session.scalars(select(Worker.fault)).one() or "")
        session.execute(update(Job).where(Job.id == job_id).values(attempt=1))
        assert owner_moves.cancel(session, "ada", job_id)
    eventually(lambda: not waits.is_alive())
    assert not left.exists()
    parent.stop()


class Consumer:
    """Celery's, with a pool of one child at a time, which runs no job."""

    def __init__(self) -> None:
        self.pool = SimpleNamespace(info={"processes": []})

    @contextmanager
    def child(self) -> Iterator[subprocess.Popen[bytes]]:
        with subprocess.Popen(["sleep", "600"]) as process:
            self.pool.info["processes"] = [process.pid]
            try:
                yield process
            finally:
                process.kill()


@pytest.mark.threat
@pytest.mark.usefixtures("own_signals")
def test_a_worker_whose_idle_children_hold_more_than_a_job_may_is_quarantined_with_both_numbers(
    database: Database,
    settings: Settings,
    worker: Identity,
    eventually: Eventually,
    caplog: pytest.LogCaptureFixture,
) -> None:
    parent = Parent(settings.model_copy(update={"job_memory_bytes": 1}), database, worker)
    parent.connect_signals()
    consumer = Consumer()
    signals.worker_ready.send(sender=consumer)
    for _ in range(2):
        with consumer.child() as child:
            eventually(lambda child=child: child.poll() == -9)

    def fault() -> str | None:
        with database.begin() as session:
            return session.scalars(
                select(Worker.fault).where(Worker.quarantined_at.is_not(None))
            ).one_or_none()

    eventually(lambda: fault() is not None)
    assert re.fullmatch(r"its process held [1-9][0-9.]* [kM]B .*, and 1 B are allowed; .*", fault() or "")
    assert caplog.text.count("a child was killed") == 2
    parent.stop()


def test_memory_that_a_job_has_left_behind_is_not_the_limits_fault() -> None:
    kills = IdleKills(allowed_bytes=100, stands_for=70.0)
    kills.killed(200, 0.0)
    assert kills.fault(0.0) is None
    kills.job_seen()
    kills.killed(200, 10.0)
    assert kills.fault(10.0) is None
    kills.killed(300, 20.0)
    said = kills.fault(90.0) or ""
    assert "300 B" in said
    assert "100 B are allowed" in said
    assert kills.fault(91.0) is None, "no child has been killed since"


def test_children_inherit_the_identity_of_their_worker(
    worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_PRUNESERVE_WORKER_NAME", "")
    monkeypatch.setenv("_PRUNESERVE_WORKER_SHUTDOWN_FLAG", "")
    monkeypatch.setenv("_PRUNESERVE_WORKER_QUEUE", "")
    exported = replace(worker, queue="gpu.24g")
    exported.export()
    assert Identity.from_environment() == exported
    assert Identity.new().name != worker.name


def test_a_job_whose_process_the_system_killed_for_its_memory_goes_to_a_host_with_more(
    parent: Parent, database: Database, claim: Claim, worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count of the kernel stands in for a machine whose memory runs out."""
    counts = itertools.count(10**9)  # one more whenever it is asked
    monkeypatch.setattr(death_cause, "_kill_count", lambda: next(counts))
    own, larger = (Capacity(host_bytes=count * 10**9, scratch_bytes=10**12) for count in (16, 64))
    with database.begin() as session:
        workers.declared(session, worker.name, "cpu", own)
        workers.declared(session, "large", "cpu.large", larger)
    child_dies(worker, claim, KILLED)
    moved = job(database, claim.job_id)
    assert (moved.state, moved.lost_attempts) == (JobState.QUEUED, 0)
    assert moved.needs["cpu_bytes"] > own.host_bytes


def test_a_worker_that_was_forgotten_says_again_what_it_is_and_stays_cordoned(
    parent: Parent, database: Database, worker: Identity, eventually: Eventually
) -> None:
    signals.worker_ready.send(sender=Consumer())
    eventually(lambda: live(database) == [worker.name])
    has = Capacity(host_bytes=1, scratch_bytes=1)
    with database.begin() as session:
        workers.declared(session, worker.name, "cpu", has, queues=["cpu", "more"])
        workers.measured(session, worker.name, "cpu", ASSUMED)
        steering.cordon(session, worker.name)

    def row() -> Worker | None:
        with database.begin() as session:
            return session.get(Worker, worker.name)

    def has_seen_it_by(heartbeats: int) -> None:
        for _ in range(heartbeats):
            before = row()
            eventually(lambda before=before: (row() or before).seen_at > before.seen_at)

    has_seen_it_by(2)
    before = row()
    assert before is not None
    with database.begin() as session:
        session.execute(update(Worker).values(seen_at=text("clock_timestamp() - interval '2 hours'")))
        workers.delete_stale_workers(session, 3600)
        workers.confined(session, worker.name, "unknown", {})  # by whoever writes to its row first
    eventually(lambda: (row() or before).seen_at > before.seen_at and (row() or before).capacity is not None)
    after = row()
    assert after is not None
    kept = ("queue", "queues", "capacity", "machine", "sandbox", "started_at", "cordoned_at", "draining")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


def test_celerys_pool_without_its_processes_any_more_has_none(parent: Parent) -> None:
    parent._pool = TaskPool(1)  # it has none before it starts and after it ends
    assert parent._children() == []
