"""What a worker's parent does when Celery sends its signals."""

import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from uuid import UUID

import pytest
from celery import signals
from celery.exceptions import WorkerLostError
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import Job, Worker
from pruning.sandbox.confine import LAYERS
from pruning.sandbox.trial import layers_that_do_not_hold
from worker.identity import Identity
from worker.interrupts import ShutdownRequested
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
    parent = Parent(settings, database, worker, "prune")
    parent.connect_signals()
    yield parent
    parent.stop()


def job(database: Database, job_id: UUID) -> Job:
    with database.begin() as session:
        return session.get_one(Job, job_id)


def live(database: Database) -> list[str]:
    with database.begin() as session:
        return list(session.scalars(select(Worker.name)))


def child_dies(job_id: UUID, exception: Exception) -> None:
    signals.task_failure.send(sender=None, task_id="1", exception=exception, args=[str(job_id)], kwargs={})


KILLED = WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 0.")


def test_a_dead_childs_job_is_requeued_at_once(parent: Parent, database: Database, claim: Claim) -> None:
    child_dies(claim.job_id, KILLED)
    waiting = job(database, claim.job_id)
    assert (waiting.state, waiting.lost_attempts, waiting.dispatched_at) == (JobState.QUEUED, 1, None)
    with database.begin() as session:
        attempt = lifecycle.claim(session, claim.job_id, "another", 30)
    assert attempt is not None
    assert attempt.attempt == 2


@pytest.mark.threat
def test_a_child_that_keeps_dying_fails_its_job_with_the_signal(
    parent: Parent, database: Database, claim: Claim, worker: Identity
) -> None:
    for _ in range(3):
        child_dies(claim.job_id, KILLED)
        with database.begin() as session:
            lifecycle.claim(session, claim.job_id, worker.name, 30)
    failed = job(database, claim.job_id)
    assert failed.state == JobState.FAILED
    assert failed.error is not None
    assert "SIGKILL" in failed.error["message"]


def test_another_workers_job_is_left_alone(
    parent: Parent, database: Database, submit: Callable[[], UUID]
) -> None:
    job_id = submit()
    with database.begin() as session:
        lifecycle.claim(session, job_id, "another", 30)
    child_dies(job_id, KILLED)
    assert job(database, job_id).worker == "another"


def test_an_exception_in_a_child_is_not_its_death(parent: Parent, database: Database, claim: Claim) -> None:
    child_dies(claim.job_id, RuntimeError("something else"))
    assert job(database, claim.job_id).state == JobState.RUNNING


def test_a_worker_is_registered_while_it_takes_jobs(
    parent: Parent, database: Database, worker: Identity, eventually: Eventually
) -> None:
    assert live(database) == []
    signals.worker_ready.send(sender=None)
    eventually(lambda: live(database) == [worker.name])
    with database.begin() as session:
        sandbox = session.scalars(select(Worker.sandbox)).one()
    missing = layers_that_do_not_hold()
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
        assert lifecycle.cancel(session, "ada", cancelled_id)
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
    small = settings.model_copy(update={"min_free_disk_bytes": 500_000, "quarantine_seconds": 0.05})
    parent = Parent(small, database, worker, "prune")
    waits = threading.Thread(target=parent.wait_until_fit, daemon=True)
    waits.start()
    eventually(lambda: live(database) == [worker.name])
    with database.begin() as session:
        assert "400000 bytes free" in (session.scalars(select(Worker.fault)).one() or "")
        assert lifecycle.cancel(session, "ada", job_id)
    eventually(lambda: not waits.is_alive())
    assert not left.exists()
    parent.stop()


class Consumer:
    """Celery's, with a pool of one child at a time, which runs no job."""

    def __init__(self) -> None:
        self.pool = SimpleNamespace(info={"processes": []})
        self.add_task_queue = self.cancel_task_queue = None

    def call_soon(self, *call: object) -> None:
        pass

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
    parent = Parent(settings.model_copy(update={"job_memory_bytes": 1}), database, worker, "prune")
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
    assert re.fullmatch(r"its process held [1-9]\d{4,6} bytes .*, and 1 are allowed; .*", fault() or "")
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
    assert "300 bytes" in said
    assert "100 are allowed" in said
    assert kills.fault(91.0) is None, "no child has been killed since"


def test_children_inherit_the_identity_of_their_worker(
    worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_PRUNESERVE_WORKER_NAME", "")
    monkeypatch.setenv("_PRUNESERVE_WORKER_SHUTDOWN_FLAG", "")
    monkeypatch.setenv("_PRUNESERVE_WORKER_ONE_JOB", "")
    monkeypatch.setenv("_PRUNESERVE_WORKER_QUEUE", "")
    for one_job in (False, True):
        exported = replace(worker, one_job=one_job, queue="gpu.24g")
        exported.export()
        assert Identity.from_environment() == exported
    assert Identity.new().name != worker.name
