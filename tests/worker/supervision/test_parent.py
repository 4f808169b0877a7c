"""What a worker's parent does when Celery sends its signals."""

import itertools
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from celery import signals
from celery.concurrency.prefork import TaskPool
from celery.exceptions import WorkerLostError
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from jobs.clock import boot_time
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import conditions, held_jobs, workers
from jobs.queue.resources import Capacity
from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import Worker
from pruning.estimate import ASSUMED
from pruning.sandbox.confine import LAYERS
from pruning.sandbox.fork_server import missing_sandbox_layers
from tests.claims import job, take
from tests.eventually import eventually
from worker.identity import HeldClaim, Identity
from worker.interrupts import ShutdownRequested
from worker.supervision import child_memory
from worker.supervision.child_memory import IdleKills
from worker.supervision.parent import Parent


@pytest.fixture
def worker(unregistered_worker: Identity) -> Identity:
    return unregistered_worker


def live(database: Database) -> list[str]:
    with database.begin() as session:
        return list(session.scalars(select(Worker.name)))


def child_dies(worker: Identity, claim: Claim | None, exception: Exception) -> None:
    """Let a child that holds a claim die in its task."""
    if claim is not None:
        path = worker.claims_directory / "task.json"
        HeldClaim(path, claim.job_id, claim.attempt, claim.lease_token, boot_time() + 30).write()
    signals.task_failure.send(sender=None, task_id="task", exception=exception, args=[], kwargs={})
    assert claim is None or not isinstance(exception, WorkerLostError) or not path.exists()


KILLED = WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 0.")


def test_a_dead_childs_job_is_requeued_at_once(
    parent: Parent, database: Database, claim: Claim, worker: Identity
) -> None:
    child_dies(worker, claim, KILLED)
    waiting = job(database, claim.job_id)
    assert (waiting.state, waiting.lost_attempts) == (JobState.QUEUED, 1)
    attempt = take(database, claim.job_id, "another")
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


def test_a_dead_childs_job_is_requeued_once_the_database_is_back(
    parent: Parent, database: Database, claim: Claim, worker: Identity, monkeypatch: pytest.MonkeyPatch
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
    parent: Parent, database: Database, worker: Identity
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


@dataclass(frozen=True)
class EndedCelery:
    """Celery's object of a worker: a signal's sender is hashed."""

    exitcode: int | None


@pytest.mark.parametrize(("celerys", "own"), [(None, 0), (0, 0), (1, 1)])
def test_a_worker_ends_with_the_exit_code_of_celery(parent: Parent, celerys: int | None, own: int) -> None:
    signals.worker_shutdown.send(sender=EndedCelery(celerys))
    assert parent.exit_code == own


def test_a_worker_shuts_down_although_its_flag_cannot_be_written(
    parent: Parent, database: Database, worker: Identity
) -> None:
    signals.worker_ready.send(sender=None)
    eventually(lambda: live(database) == [worker.name])
    directory = worker.shutdown_flag.parent
    away = directory.rename(directory.with_suffix(".away"))
    signals.worker_shutting_down.send(sender=None, sig="SIGTERM", how="Warm", exitcode=0)
    away.rename(directory)
    eventually(lambda: live(database) == [])


def test_the_heartbeat_survives_an_outage_of_the_database(
    parent: Parent, database: Database, worker: Identity, cut_connections: Callable[[], None]
) -> None:
    signals.worker_ready.send(sender=None)
    eventually(lambda: live(database) == [worker.name])
    cut_connections()

    def seen_at() -> object:
        with database.begin() as session:
            return session.scalars(select(Worker.seen_at)).one()

    before = seen_at()
    eventually(lambda: seen_at() != before)


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
def test_idle_children_beyond_the_memory_limit_quarantine_the_worker(
    database: Database, settings: Settings, worker: Identity, caplog: pytest.LogCaptureFixture
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
    kills = IdleKills(allowed_bytes=100, fault_seconds=70.0)
    kills.record_kill(200, 0.0)
    assert kills.fault(0.0) is None
    kills.record_job()
    kills.record_kill(200, 10.0)
    assert kills.fault(10.0) is None
    kills.record_kill(300, 20.0)
    said = kills.fault(90.0) or ""
    assert "300 B" in said
    assert "100 B are allowed" in said
    assert kills.fault(91.0) is None, "no child has been killed since"


def test_children_inherit_the_identity_of_their_worker(
    worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_PRUNESERVE_WORKER_NAME", "")
    monkeypatch.setenv("_PRUNESERVE_WORKER_SHUTDOWN_FLAG", "")
    worker.export()
    assert Identity.from_environment() == worker
    assert Identity.new().name != worker.name


def test_an_oom_killed_job_goes_to_a_host_with_more_memory(
    parent: Parent, database: Database, claim: Claim, worker: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The count of the kernel stands in for a machine whose memory runs out."""
    counts = itertools.count(10**9)  # one more whenever it is asked
    monkeypatch.setattr(child_memory, "_kill_count", lambda: next(counts))
    own, larger = (Capacity(host_bytes=count * 10**9, scratch_bytes=10**12) for count in (16, 64))
    with database.begin() as session:
        workers.record_capacity(session, worker.name, "cpu", own)
        workers.record_capacity(session, "large", "cpu.large", larger)
    child_dies(worker, claim, KILLED)
    moved = job(database, claim.job_id)
    assert (moved.state, moved.lost_attempts) == (JobState.QUEUED, 0)
    assert moved.needs["cpu_bytes"] > own.host_bytes


def test_a_deleted_worker_registers_again_and_stays_cordoned(
    parent: Parent, database: Database, worker: Identity
) -> None:
    signals.worker_ready.send(sender=Consumer())
    eventually(lambda: live(database) == [worker.name])
    has = Capacity(host_bytes=1, scratch_bytes=1)
    with database.begin() as session:
        workers.record_capacity(session, worker.name, "cpu", has, queues=["cpu", "more"])
        workers.record_machine(session, worker.name, ASSUMED)
        conditions.cordon(session, worker.name)

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
        workers.record_sandbox(session, worker.name, {})  # by the first write to its row
    eventually(lambda: (row() or before).seen_at > before.seen_at and (row() or before).capacity is not None)
    after = row()
    assert after is not None
    kept = ("queue", "queues", "capacity", "machine", "sandbox", "started_at", "cordoned_at", "draining")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


def test_celerys_pool_without_its_processes_any_more_has_none(parent: Parent) -> None:
    parent._pool = TaskPool(1)  # it has none before it starts and after it ends
    assert parent._children() == []
