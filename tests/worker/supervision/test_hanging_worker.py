"""A real worker whose child hangs: its parent ends the job, and then goes on or shuts down."""

import os
import subprocess
import time
from collections.abc import Callable
from uuid import UUID

import psutil
import pytest
from sqlalchemy import select

from jobs import broker
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.queue import backlog
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState, LostAttempt, Outcome
from jobs.tables import Job, JobAttempt
from tests.claims import claimed
from tests.conftest import Submit
from tests.eventually import eventually
from tests.limits import with_limits
from tests.worker.supervision.conftest import Start

MEMORY_LIMIT = 500_000_000


@pytest.fixture
def worker_process(start: Start) -> subprocess.Popen[bytes]:
    return start(
        "hanging_worker",
        PRUNESERVE_SHUTDOWN_SECONDS="1",
        PRUNESERVE_JOB_MEMORY_BYTES=str(MEMORY_LIMIT),
        **with_limits(CANCEL_GRACE_SECONDS=1, LEASE_SECONDS=2, HEARTBEAT_SECONDS=0.5),
    )


@pytest.fixture
def hung(worker_process: subprocess.Popen[bytes], database: Database, submit: Submit) -> Callable[[], UUID]:
    """Submits a job that the worker starts and that hangs."""

    def begin() -> UUID:
        job_id = submit()
        broker.send("cpu")
        eventually(lambda: state(database, job_id) == JobState.RUNNING or worker_process.poll() is not None)
        assert worker_process.poll() is None
        return job_id

    return begin


def state(database: Database, job_id: UUID) -> JobState:
    with database.begin() as session:
        return session.get_one(Job, job_id).state


def attempts(database: Database, job_id: UUID) -> list[str | None]:
    with database.begin() as session:
        return list(session.scalars(select(JobAttempt.outcome).where(JobAttempt.job_id == job_id)))


@pytest.mark.threat
def test_a_worker_survives_a_cancelled_job_and_one_with_too_much_memory(
    hung: Callable[[], UUID], database: Database, worker_process: subprocess.Popen[bytes]
) -> None:
    job_id = hung()
    (child,) = [p for p in psutil.Process(worker_process.pid).children() if os.getpgid(p.pid) == p.pid]
    with database.begin() as session:
        assert owner_moves.cancel(session, "ada", job_id)
    eventually(lambda: state(database, job_id) == JobState.CANCELLED)
    eventually(lambda: not child.is_running())

    greedy = submit_method(database, "wanda")
    eventually(lambda: attempts(database, greedy) == [Outcome.HANDED_BACK])
    quick = submit_method(database, "magnitude")
    eventually(lambda: state(database, quick) == JobState.SUCCEEDED)
    with database.begin() as session:
        waiting = session.get_one(Job, greedy)
        assert session.get_one(Job, job_id).lost_attempts == 0
        reason = session.scalars(select(JobAttempt.reason).where(JobAttempt.job_id == greedy)).one()
    assert (waiting.state, waiting.attempt, waiting.lost_attempts) == (JobState.QUEUED, 1, 0)
    assert waiting.needs["cpu_bytes"] > MEMORY_LIMIT
    assert "and 500 MB are allowed" in str(reason)
    assert worker_process.poll() is None


@pytest.mark.threat
def test_a_child_blocked_in_a_lost_job_is_killed_and_the_next_worker_is_not(
    hung: Callable[[], UUID], database: Database, worker_process: subprocess.Popen[bytes]
) -> None:
    job_id = hung()
    time.sleep(2)  # the watchdog looks once a second
    with database.begin() as session:
        token = session.get_one(Job, job_id).lease_token
        assert token is not None
        lifecycle.take_back(session, job_id, token, "no heartbeat", 3, LostAttempt.LOST_WORKER)
        other = claimed(session, job_id, "another worker", 600)

    quick = submit_method(database, "magnitude")  # which the same worker runs, in a new child
    eventually(lambda: state(database, quick) == JobState.SUCCEEDED)
    with database.begin() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.lease_token, job.lost_attempts) == (JobState.RUNNING, other.lease_token, 1)
    assert worker_process.poll() is None


def submit_method(database: Database, method: str) -> UUID:
    recipe = {"model": "org/name", "method": method, "sparsity": 0.5}
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", JobSpec.model_validate({"recipe": recipe})).id
        backlog.record_needs(session, job_id, None)
    broker.send("cpu")
    return job_id


def test_a_shutdown_hands_the_job_back_and_ends(
    hung: Callable[[], UUID], database: Database, worker_process: subprocess.Popen[bytes]
) -> None:
    job_id = hung()
    worker_process.terminate()
    eventually(lambda: state(database, job_id) == JobState.QUEUED)
    worker_process.wait(120)
    with database.begin() as session:
        assert session.get_one(Job, job_id).lost_attempts == 0


def test_a_shutdown_ends_a_child_that_hangs_without_a_job(
    environment: Settings, worker_process: subprocess.Popen[bytes]
) -> None:
    """As in its self-test, before it claims one."""
    environment.work_dir.mkdir(exist_ok=True)
    hang = environment.work_dir / "hang"
    hang.touch()
    broker.send("cpu")
    eventually(lambda: not hang.exists() or worker_process.poll() is not None)
    worker_process.terminate()
    assert worker_process.wait(120) == 0
