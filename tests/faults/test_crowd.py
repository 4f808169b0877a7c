"""Many jobs, and more than one of every process."""

import os
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from jobs.states import JobState
from jobs.tables import Job, JobAttempt
from tests.faults.conftest import Judge
from tests.stack import Stack

# `make soak` has 1000.
JOBS = int(os.environ.get("CROWD_JOBS", "40"))


def claims(stack: Stack) -> dict[UUID, int]:
    """How many attempts each job has had."""
    with stack.database.begin() as session:
        counted = select(JobAttempt.job_id, func.count()).group_by(JobAttempt.job_id)
        return {row[0]: row[1] for row in session.execute(counted)}


def ended(stack: Stack) -> int:
    with stack.database.begin() as session:
        return session.scalar(select(func.count()).where(Job.state == JobState.SUCCEEDED)) or 0


@pytest.mark.parametrize("flushes", [0, 3], ids=["undisturbed", "broker flushed"])
def test_no_op_jobs_are_claimed_once_each(stack: Stack, broker_url: str, flushes: int) -> None:
    import redis

    stack.environment["PRUNESERVE_REPUBLISH_SECONDS"] = "1"
    spec = stack.spec(method="magnitude")
    jobs = [stack.submit(spec) for _ in range(JOBS)]
    for _ in range(4):
        stack.start_dispatcher()
    for _ in range(2):
        stack.start("tests.faults.no_op_worker")
    for number in range(flushes):
        stack.wait_until(lambda number=number: ended(stack) > 5 * (number + 1))  # type: ignore[misc]
        with redis.Redis.from_url(broker_url) as client:
            client.flushall()
    stack.wait_until(lambda: ended(stack) == len(jobs))
    assert claims(stack) == dict.fromkeys(jobs, 1)


def test_the_clock_of_the_wall_does_not_matter(stack: Stack, judge: Judge) -> None:
    """Leases are the database's time, and a worker counts its own by a clock that nobody sets."""
    libfaketime = pytest.importorskip(
        "libfaketime", reason="pip install libfaketime: the clock cannot be set"
    )
    jump = stack.directory / "clock"
    jump.parent.mkdir(parents=True)
    jump.write_text("+0d")
    fake = {
        "LD_PRELOAD": str(Path(libfaketime.__file__).parent / "vendor/libfaketime/src/libfaketime.so.1"),
        "FAKETIME_TIMESTAMP_FILE": str(jump),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    stack.environment |= fake
    stack.start_dispatcher()
    stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_it_works(job_id)
    jump.write_text("+3d")
    stack.wait_for(job_id, lambda job: job.stage == "prune")
    jump.write_text("-3d")
    judge("clock jump, forward and back", 2, [job_id])
    assert stack.job(job_id).attempt == 1
    with stack.database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs WHERE succeeded_at > now()")) == 0
