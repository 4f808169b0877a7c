"""Many jobs, with more than one of every process."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import redis
from sqlalchemy import func, select, text

from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job, JobAttempt
from tests.faults.conftest import Judge
from tests.small_model import write_small_model
from tests.stack import Stack

pytestmark = pytest.mark.nightly

# `make soak` has 1000, and 50.
JOBS = int(os.environ.get("CROWD_JOBS", "40"))
REAL_JOBS = int(os.environ.get("CROWD_REAL_JOBS", "2"))


def claims(stack: Stack) -> dict[UUID, int]:
    """Return the number of attempts of each job."""
    with stack.database.begin() as session:
        counted = select(JobAttempt.job_id, func.count()).group_by(JobAttempt.job_id)
        return {row[0]: row[1] for row in session.execute(counted)}


def succeeded(stack: Stack) -> int:
    with stack.database.begin() as session:
        return session.scalar(select(func.count()).where(Job.state == JobState.SUCCEEDED)) or 0


def wait_for_all(stack: Stack) -> None:
    """Wait for all jobs. The time limit holds for each batch of 40, however many there are."""
    for count in [*range(0, JOBS, 40), JOBS]:
        stack.wait_until(lambda count=count: succeeded(stack) >= count)  # type: ignore[misc]


def submit(clients: Sequence[httpx.Client], specs: Sequence[JobSpec]) -> list[UUID]:
    """Submit each job through every client at once, under one idempotency key, so that it is created once."""

    def send(request: tuple[tuple[int, JobSpec], httpx.Client]) -> UUID:
        (number, spec), client = request
        key = {"Idempotency-Key": f"{number}-of-{len(specs)}"}
        response = client.post("/v1/jobs", json=spec.as_request(), headers=key, timeout=60)
        assert response.is_success, response.text
        return UUID(response.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(send, product(enumerate(specs), clients)))
    jobs = list(dict.fromkeys(ids))
    assert len(jobs) == len(specs)
    return jobs


def test_jobs_through_two_apis_and_four_schedulers_are_claimed_once_each(
    stack: Stack, judge: Judge, tmp_path: Path
) -> None:
    two_blocks = tmp_path / "models" / "two-blocks"
    write_small_model(two_blocks, blocks=2)
    stack.environment["PRUNESERVE_MODEL_ROOTS"] = str(two_blocks.parent)
    stack.environment |= {"PRUNESERVE_RATE_LIMIT_PER_MINUTE": "100000", "PRUNESERVE_MAX_QUEUED_JOBS": "2000"}
    stack = replace(stack, model=two_blocks)
    with stack.start_api() as one, stack.start_api() as other:
        for _ in range(4):
            stack.start_scheduler()
        no_op_workers = [stack.start("tests.faults.no_op_worker") for _ in range(2)]
        no_op = submit([one, other], [stack.spec(method="magnitude")] * JOBS)
        wait_for_all(stack)
        for worker in no_op_workers:
            worker.stop()
        workers = [stack.start_worker() for _ in range(2)]
        # Jobs with equal windows would wait for each other's gradients and be claimed again.
        real = submit([one, other], [stack.spec(seed=seed) for seed in range(REAL_JOBS)])
        judge("a crowd, with two APIs and four schedulers", 1, real)
    assert all(worker.running for worker in workers)
    assert claims(stack) == dict.fromkeys([*no_op, *real], 1)


def test_no_op_jobs_are_claimed_once_each_when_the_broker_is_flushed(stack: Stack, broker_url: str) -> None:
    jobs = [stack.submit(stack.spec(method="magnitude")) for _ in range(JOBS)]
    for _ in range(4):
        stack.start_scheduler()
    for _ in range(2):
        stack.start("tests.faults.no_op_worker")
    for number in range(3):
        stack.wait_until(lambda number=number: succeeded(stack) > 5 * (number + 1))  # type: ignore[misc]
        with redis.Redis.from_url(broker_url) as client:
            client.flushall()
    wait_for_all(stack)
    assert claims(stack) == dict.fromkeys(jobs, 1)


def test_jumps_of_the_wall_clock_do_not_matter(stack: Stack, judge: Judge) -> None:
    """Leases follow the database's clock, and a worker measures its own lease with a monotonic clock."""
    libfaketime = pytest.importorskip(
        "libfaketime", reason="libfaketime is not installed (pip install libfaketime)"
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
    stack.start_scheduler()
    stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_running(job_id)
    jump.write_text("+3d")
    stack.wait_for(job_id, lambda job: job.stage == "prune")
    jump.write_text("-3d")
    judge("clock jump, forward and back", 2, [job_id])
    assert stack.job(job_id).attempt == 1
    with stack.database.begin() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs WHERE ended_at > now()")) == 0
