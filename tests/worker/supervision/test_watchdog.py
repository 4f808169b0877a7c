"""A child that does not stop when it must is killed, and its job is ended in its place."""

import errno
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from celery.exceptions import WorkerLostError
from sqlalchemy import text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jobs import limits
from jobs.clock import boot_time
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError, StageStarted
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import held_jobs, workers
from jobs.queue.resources import Capacity
from jobs.settings import Settings
from jobs.states import JobState, LostAttempt
from jobs.tables import Job, JobAttempt, Lease
from pruning.recipe import Stage
from tests.claims import claimed, unavailable
from tests.conftest import Submit
from tests.eventually import eventually
from tests.small_disk import dead_mount
from worker import identity
from worker.identity import HeldClaim, Identity
from worker.supervision import watchdog as watchdog_module
from worker.supervision.parent import Parent
from worker.supervision.watchdog import Watchdog

AN_HOUR_AGO = text("clock_timestamp() - interval '1 hour'")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that hangs, with a child of its own."""
    process = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!; wait"], process_group=0, stdout=-1)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def watchdog(
    settings: Settings,
    database: Database,
    worker: Identity,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Watchdog]:
    monkeypatch.setattr(limits, "MAX_RUN_SECONDS", 10_000.0)
    monkeypatch.setattr(limits, "STALL_SECONDS", 1_000.0)
    watchdog = Watchdog(settings, database, worker, lambda: [child.pid])
    yield watchdog
    watchdog.stop()


@pytest.fixture
def strict_watchdog(
    settings: Settings, database: Database, worker: Identity, child: subprocess.Popen[bytes]
) -> Watchdog:
    """It lets a job hold one byte."""
    strict = settings.model_copy(update={"job_memory_bytes": 1})
    return Watchdog(strict, database, worker, lambda: [child.pid])


def job(database: Database, claim: Claim) -> Job:
    with database.begin() as session:
        return session.get_one(Job, claim.job_id)


def change(database: Database, table: type[Job | JobAttempt | Lease], **values: object) -> None:
    with database.begin() as session:
        session.execute(update(table).values(**values))


def ask_to_cancel(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert owner_moves.cancel(session, "ada", claim.job_id)


def is_killed(child: subprocess.Popen[bytes]) -> bool:
    """Whether the process is dead, and its child as well."""
    if child.poll() is None:
        return False
    assert child.stdout is not None
    child.stdout.read()  # ends with the last process that has it open
    return child.wait() == -9


def test_a_job_that_makes_progress_is_left_alone(
    watchdog: Watchdog, database: Database, claim: Claim, child: subprocess.Popen[bytes]
) -> None:
    watchdog.check()
    assert (job(database, claim).state, child.poll()) == (JobState.RUNNING, None)


def test_a_cancelled_job_that_does_not_stop_is_killed(
    watchdog: Watchdog, database: Database, claim: Claim, child: subprocess.Popen[bytes]
) -> None:
    ask_to_cancel(database, claim)
    watchdog.check()
    assert child.poll() is None, "it has a grace period to stop by itself"
    change(database, Job, cancelling_at=text("clock_timestamp() - interval '8 seconds'"))
    watchdog.check()
    child.wait(120)
    assert is_killed(child)
    ended = job(database, claim)
    assert (ended.state, ended.lost_attempts, ended.worker) == (JobState.CANCELLED, 0, None)
    assert ended.orphaned_files_since is not None


def test_a_job_without_progress_is_a_lost_attempt(
    watchdog: Watchdog, database: Database, claim: Claim, child: subprocess.Popen[bytes]
) -> None:
    with database.begin() as session:
        lifecycle.record(session, claim, StageStarted(attempt=1, stage=Stage.GRADIENTS, steps=8))
    change(database, Job, progressed_at=AN_HOUR_AGO, lost_attempts=2)
    watchdog.check()
    child.wait(120)
    failed = job(database, claim)
    assert (failed.state, failed.lost_attempts) == (JobState.FAILED, 3)
    assert failed.error is not None
    assert failed.error["type"] == LostAttempt.STALLED
    # An hour and what the machine has taken since.
    assert re.search(
        r"no progress in the stage gradients for 36\d\d s, and 1000 s are allowed", failed.error["message"]
    )


def test_a_job_that_runs_longer_than_its_own_timeout_fails(
    watchdog: Watchdog, database: Database, claim: Claim, child: subprocess.Popen[bytes]
) -> None:
    change(database, Job, spec=claim.stored_spec | {"timeout_seconds": 3_700.0}, created_at=AN_HOUR_AGO)
    change(database, JobAttempt, started_at=AN_HOUR_AGO)
    watchdog.check()
    assert child.poll() is None
    change(database, Job, spec=claim.stored_spec | {"timeout_seconds": 3_500.0})
    watchdog.check()
    child.wait(120)
    error = job(database, claim).error
    assert error is not None
    assert (error["type"], error["field"], error["cause"]) == ("timeout", "timeout_seconds", "request")


def test_a_job_that_runs_too_long_fails_at_once(
    watchdog: Watchdog, database: Database, claim: Claim, child: subprocess.Popen[bytes]
) -> None:
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "for the test")
        claimed(session, claim.job_id, claim_worker(session, claim))
    change(database, Job, created_at=text("clock_timestamp() - interval '1 day'"))
    change(database, JobAttempt, started_at=text("clock_timestamp() - interval '5100 seconds'"))
    watchdog.check()
    child.wait(120)
    failed = job(database, claim)
    assert (failed.state, failed.lost_attempts, failed.attempt) == (JobState.FAILED, 0, 2)
    assert failed.error is not None
    assert failed.error["type"] == "run_time"
    assert "10000 s are allowed" in failed.error["message"]


def test_time_in_which_nothing_ran_neither_ends_a_job_nor_stalls_it(
    watchdog: Watchdog, database: Database, claim: Claim, worker: Identity, child: subprocess.Popen[bytes]
) -> None:
    """The database was away for a night; the worker is back before a scheduler has taken the job back."""
    began = text("now() - interval '9 hours'")
    change(database, Job, spec=claim.stored_spec | {"timeout_seconds": 3_700.0}, created_at=began)
    change(database, Job, progressed_at=text("now() - interval '8 hours 1 minute'"))
    change(database, JobAttempt, started_at=began)
    change(database, Lease, expires_at=text("now() - interval '8 hours'"))
    watchdog.check()
    assert (job(database, claim).state, child.poll()) == (JobState.RUNNING, None)
    with database.begin() as session:
        assert lifecycle.take_back(session, claim.job_id, claim.lease_token, "it was away", 3)
        claimed(session, claim.job_id, worker.name)
    watchdog.check()
    assert (job(database, claim).state, child.poll()) == (JobState.RUNNING, None)


def claim_worker(session: Session, claim: Claim) -> str:
    attempt = session.get_one(JobAttempt, (claim.job_id, claim.attempt))
    return attempt.worker


def test_a_retry_has_its_own_time(
    watchdog: Watchdog, database: Database, claim: Claim, child: subprocess.Popen[bytes], worker: Identity
) -> None:
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="it took too long"))
        session.execute(update(JobAttempt).values(started_at=text("clock_timestamp() - interval '1 day'")))
        assert owner_moves.retry(session, "ada", claim.job_id)
        assert lifecycle.claim(session, claim.job_id, worker.name, 30)
    watchdog.check()
    assert (job(database, claim).state, child.poll()) == (JobState.RUNNING, None)


def test_a_worker_that_shuts_down_waits_no_longer_than_its_limit(
    settings: Settings, database: Database, claim: Claim, worker: Identity, child: subprocess.Popen[bytes]
) -> None:
    hasty = settings.model_copy(update={"shutdown_seconds": 0.01})
    watchdog = Watchdog(hasty, database, worker, lambda: [child.pid])
    watchdog.start()
    watchdog.shutdown_started()
    eventually(lambda: child.poll() is not None)
    eventually(lambda: job(database, claim).state == JobState.QUEUED)
    watchdog.stop()
    assert job(database, claim).lost_attempts == 0


def test_a_scratch_disk_that_does_not_answer_keeps_no_watchdog_from_the_next_child(
    settings: Settings, database: Database, claim: Claim, worker: Identity, tmp_path: Path
) -> None:
    ask_to_cancel(database, claim)
    change(database, Job, cancelling_at=AN_HOUR_AGO)
    with dead_mount(tmp_path / "mount", hangs=True) as directory:
        on_it = settings.model_copy(update={"work_dir": directory / "work"})
        check = Thread(target=Watchdog(on_it, database, worker, list).check, daemon=True)
        check.start()
        eventually(lambda: not check.is_alive())
    assert job(database, claim).state == JobState.CANCELLED


def test_only_what_the_killed_attempt_left_is_deleted(
    settings: Settings, watchdog: Watchdog, database: Database, claim: Claim
) -> None:
    killed, later = (settings.work_dir / str(claim.job_id) / str(claim.attempt + later) for later in (0, 1))
    for directory in (killed, later):
        (directory / "files").mkdir(parents=True)
    ask_to_cancel(database, claim)
    change(database, Job, cancelling_at=AN_HOUR_AGO)
    watchdog.check()
    eventually(lambda: not killed.exists())
    assert (later / "files").exists()


def test_only_the_job_that_the_child_runs_now_can_get_it_killed(
    watchdog: Watchdog,
    database: Database,
    claim: Claim,
    submit: Submit,
    worker: Identity,
    child: subprocess.Popen[bytes],
) -> None:
    """A child that has lost its lease goes on to another job before the first one's row says so."""
    with database.begin() as session:
        assert lifecycle.claim(session, submit(), worker.name, 30)
    ask_to_cancel(database, claim)
    change(database, Job, cancelling_at=AN_HOUR_AGO)
    watchdog.check()
    assert (job(database, claim).state, child.poll()) == (JobState.CANCELLING, None)


def test_a_job_that_ends_in_time_saves_its_child(
    watchdog: Watchdog, database: Database, claim: Claim, child: subprocess.Popen[bytes]
) -> None:
    ask_to_cancel(database, claim)
    with database.begin() as session:
        assert lifecycle.finish_cancelling(session, claim)
    change(database, Job, cancelling_at=AN_HOUR_AGO)
    watchdog.check()
    assert child.poll() is None


def test_a_job_that_holds_more_memory_than_it_may_waits_for_a_host_with_more(
    strict_watchdog: Watchdog,
    database: Database,
    claim: Claim,
    worker: Identity,
    child: subprocess.Popen[bytes],
) -> None:
    own = Capacity(host_bytes=16 * 10**9, scratch_bytes=10**12)
    with database.begin() as session:
        workers.record_capacity(session, worker.name, "cpu", own)
    strict_watchdog.check_memory()
    child.wait(120)
    moved = job(database, claim)
    assert (moved.state, moved.error) == (JobState.QUEUED, None)
    assert moved.needs["cpu_bytes"] > 16 * 10**9


def test_the_parent_does_not_take_back_what_was_killed_for_its_memory(
    strict_watchdog: Watchdog,
    settings: Settings,
    database: Database,
    claim: Claim,
    worker: Identity,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Celery may report the death before the watchdog has asked for the job."""
    hold(worker, claim, -30.0)
    parent, kill = Parent(settings, database, worker), watchdog_module.kill_group

    def kill_and_report(process: int) -> None:
        kill(process)
        parent._on_task_failure(WorkerLostError("signal 9 (SIGKILL)"), "task")

    monkeypatch.setattr(watchdog_module, "kill_group", kill_and_report)
    with database.begin() as session:
        workers.record_capacity(session, worker.name, "cpu", Capacity(host_bytes=16 * 10**9, scratch_bytes=1))
    strict_watchdog.check_memory()
    moved = job(database, claim)
    assert (moved.state, moved.lost_attempts) == (JobState.QUEUED, 0)
    assert moved.needs["cpu_bytes"] > 16 * 10**9


def hold(worker: Identity, claim: Claim, ended_before: float) -> HeldClaim:
    """Record that a child holds a claim whose lease ended so many seconds ago."""
    path = worker.claims_directory / "task.json"
    ends_at = boot_time() - ended_before
    held = HeldClaim(path, claim.job_id, claim.attempt, claim.lease_token, ends_at)
    held.write()
    return held


@pytest.mark.threat
@pytest.mark.parametrize("database_answers", [True, False])
def test_a_child_in_a_lost_job_is_killed_one_lease_later_without_a_database(
    watchdog: Watchdog,
    database: Database,
    settings: Settings,
    claim: Claim,
    worker: Identity,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    database_answers: bool,
) -> None:
    with database.begin() as session:
        lifecycle.take_back(session, claim.job_id, claim.lease_token, "its lease ended", 3)
    hold(worker, claim, limits.LEASE_SECONDS - 20)
    watchdog.check()
    assert child.poll() is None, "it may still leave it"
    held = hold(worker, claim, limits.LEASE_SECONDS + 1)
    if database_answers:
        watchdog.check()
    else:
        monkeypatch.setattr(held_jobs, "held_by", unavailable)
        with pytest.raises(OperationalError):
            watchdog.check()
    child.wait(120)
    assert is_killed(child)
    assert identity.read_claim(held.path) is None


def test_a_read_only_disk_costs_a_child_in_a_lost_job_and_not_the_ones_after_it(
    watchdog: Watchdog,
    database: Database,
    claim: Claim,
    worker: Identity,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with database.begin() as session:
        lifecycle.take_back(session, claim.job_id, claim.lease_token, "its lease ended", 3)
    held = hold(worker, claim, limits.LEASE_SECONDS + 1)
    killed: list[int] = []
    monkeypatch.setattr(watchdog_module, "kill_group", killed.append)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", read_only)
        watchdog.check()
        watchdog.check()
    assert killed == [child.pid]
    assert identity.read_claim(held.path) is not None
    watchdog.check()
    assert (killed, identity.read_claim(held.path)) == ([child.pid], None)


def read_only(*anything: object, **named: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["too much memory", "cancelled"])
@pytest.mark.parametrize("has_record", [True, False], ids=["read-only", "unreadable"])
def test_a_child_is_killed_although_the_disk_fails(
    strict_watchdog: Watchdog,
    database: Database,
    claim: Claim,
    worker: Identity,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    has_record: bool,
    is_cancelled: bool,
) -> None:
    if has_record:
        hold(worker, claim, -30.0)
    else:
        worker.claims_directory.symlink_to("a" * 300)  # a name that is too long: OSError
    if is_cancelled:
        ask_to_cancel(database, claim)
        change(database, Job, cancelling_at=AN_HOUR_AGO)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", read_only)
        strict_watchdog.check() if is_cancelled else strict_watchdog.check_memory()
    child.wait(120)
    assert is_killed(child)
    assert job(database, claim).state == (JobState.CANCELLED if is_cancelled else JobState.QUEUED)


def test_a_child_whose_lease_the_database_has_extended_is_left_alone_for_a_lease(
    watchdog: Watchdog,
    claim: Claim,
    worker: Identity,
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As where the disk is full, and the child cannot record it."""
    hold(worker, claim, limits.LEASE_SECONDS + 1)
    watchdog.check()
    monkeypatch.setattr(held_jobs, "held_by", unavailable)
    with pytest.raises(OperationalError):
        watchdog.check()
    assert child.poll() is None
    monkeypatch.setattr(limits, "LEASE_SECONDS", 0.0)
    with pytest.raises(OperationalError):
        watchdog.check()
    child.wait(120)
    assert is_killed(child)
