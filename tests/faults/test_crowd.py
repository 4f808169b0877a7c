"""Many jobs, and more than one of every process."""

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
from tests.stack import Stack, body_of

# `make soak` has 1000, and 50.
JOBS = int(os.environ.get("CROWD_JOBS", "40"))
REAL_JOBS = int(os.environ.get("CROWD_REAL_JOBS", "2"))


def claims(stack: Stack) -> dict[UUID, int]:
    """How many attempts each job has had."""
    with stack.database.begin() as session:
        counted = select(JobAttempt.job_id, func.count()).group_by(JobAttempt.job_id)
        return {row[0]: row[1] for row in session.execute(counted)}


def ended(stack: Stack) -> int:
    with stack.database.begin() as session:
        return session.scalar(select(func.count()).where(Job.state == JobState.SUCCEEDED)) or 0


def wait_for_all(stack: Stack) -> None:
    """However many they are: patience is with each few of them."""
    for few in [*range(0, JOBS, 40), JOBS]:
        stack.wait_until(lambda few=few: ended(stack) >= few)  # type: ignore[misc]


def submit(clients: Sequence[httpx.Client], specs: Sequence[JobSpec]) -> list[UUID]:
    """Each of them to every client at once, under one key: a job for each, whoever was quicker."""

    def sent(asked: tuple[tuple[int, JobSpec], httpx.Client]) -> UUID:
        (number, spec), client = asked
        key = {"Idempotency-Key": f"{number}-of-{len(specs)}"}
        answer = client.post("/v1/jobs", json=body_of(spec), headers=key, timeout=60)
        assert answer.is_success, answer.text
        return UUID(answer.json()["id"])

    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(sent, product(enumerate(specs), clients)))
    jobs = list(dict.fromkeys(ids))
    assert len(jobs) == len(specs)
    return jobs


def test_jobs_through_two_front_ends_and_four_dispatchers_are_claimed_once_each(
    stack: Stack, judge: Judge, tmp_path: Path
) -> None:
    two_blocks = tmp_path / "models" / "two-blocks"
    write_small_model(two_blocks, blocks=2)
    stack.environment["PRUNESERVE_MODEL_ROOTS"] = str(two_blocks.parent)
    stack.environment |= {"PRUNESERVE_RATE_LIMIT_PER_MINUTE": "100000", "PRUNESERVE_MAX_QUEUED_JOBS": "2000"}
    stack = replace(stack, model=two_blocks)
    with stack.start_api() as one, stack.start_api() as other:
        for _ in range(4):
            stack.start_dispatcher()
        no_op_workers = [stack.start("tests.faults.no_op_worker") for _ in range(2)]
        no_op = submit([one, other], [stack.spec(method="magnitude")] * JOBS)
        wait_for_all(stack)
        for worker in no_op_workers:
            worker.stop()
        workers = [stack.start_worker() for _ in range(2)]
        # Jobs on the same windows would wait for each other's gradients, and so be claimed again.
        real = submit([one, other], [stack.spec(seed=seed) for seed in range(REAL_JOBS)])
        judge("a crowd, with two APIs and four dispatchers", 1, real)
    assert all(worker.running for worker in workers)
    assert claims(stack) == dict.fromkeys([*no_op, *real], 1)


def test_no_op_jobs_are_claimed_once_each_when_the_broker_is_flushed(stack: Stack, broker_url: str) -> None:
    stack.environment["PRUNESERVE_REPUBLISH_SECONDS"] = "1"
    jobs = [stack.submit(stack.spec(method="magnitude")) for _ in range(JOBS)]
    for _ in range(4):
        stack.start_dispatcher()
    for _ in range(2):
        stack.start("tests.faults.no_op_worker")
    for number in range(3):
        stack.wait_until(lambda number=number: ended(stack) > 5 * (number + 1))  # type: ignore[misc]
        with redis.Redis.from_url(broker_url) as client:
            client.flushall()
    wait_for_all(stack)
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
