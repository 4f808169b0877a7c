"""What happens to a job when its worker, its messages or its shutdown get in the way: never a loss."""

import os
import signal
import time
from pathlib import Path
from uuid import UUID

import psutil
import pytest
import redis

from cli.embedded.services import Service
from jobs.states import JobState
from tests.stack import Stack


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    """One kind of store is enough: nothing here is about the store."""
    return f"file://{tmp_path}/store"


def signal_to(process: Service, number: signal.Signals, *, children: bool = False) -> None:
    assert process.pid is not None
    parent = psutil.Process(process.pid)
    for child in parent.children(recursive=True) if children else []:
        child.send_signal(number)
    parent.send_signal(number)


def masks(stack: Stack, job_id: UUID) -> str:
    return stack.artifacts(job_id)["masks.safetensors"].sha256


def test_a_killed_workers_job_is_finished_by_a_new_one(stack: Stack) -> None:
    stack.start_dispatcher()
    worker = stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_it_works(job_id)
    signal_to(worker, signal.SIGKILL)
    worker.stop()
    stack.expire_lease(job_id)
    stack.start_worker()
    job = stack.wait_for_end(job_id)
    assert (job.state, job.attempt, job.losses) == (JobState.SUCCEEDED, 2, 1), job.error

    undisturbed = stack.submit(stack.long_spec())
    assert stack.wait_for_end(undisturbed).attempt == 1
    assert masks(stack, job_id) == masks(stack, undisturbed)


def test_a_killed_childs_job_is_given_back_without_waiting_for_the_lease(stack: Stack) -> None:
    stack.start_dispatcher()
    worker = stack.start_worker(PRUNESERVE_LEASE_SECONDS="3600")
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_it_works(job_id)
    assert worker.pid is not None
    (child,) = [
        process
        for process in psutil.Process(worker.pid).children()
        if "spawn_main" in " ".join(process.cmdline())
    ]
    os.kill(child.pid, signal.SIGKILL)
    job = stack.wait_for_end(job_id)
    assert (job.state, job.attempt, job.losses) == (JobState.SUCCEEDED, 2, 1), job.error
    told = [event.data.get("reason") for event in stack.events(job_id) if event.data.get("state") == "queued"]
    assert "SIGKILL" in told[-1]


@pytest.mark.parametrize("everyone", [False, True], ids=["parent", "whole group"])
def test_a_shutdown_hands_the_job_back_and_ends(stack: Stack, everyone: bool) -> None:
    worker = stack.start_worker()
    stack.start_dispatcher()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_it_works(job_id)
    signal_to(worker, signal.SIGTERM, children=everyone)
    handed_back = stack.wait_for(job_id, lambda job: job.state == JobState.QUEUED)
    assert handed_back.losses == 0
    patience = time.monotonic() + 30
    while worker.running:
        assert time.monotonic() < patience
        time.sleep(0.05)
    stack.start_worker()
    job = stack.wait_for_end(job_id)
    assert (job.state, job.attempt, job.losses) == (JobState.SUCCEEDED, 2, 0), job.error


def test_a_paused_worker_that_wakes_up_late_changes_nothing(stack: Stack) -> None:
    stack.start_dispatcher()
    paused = stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_it_works(job_id)
    signal_to(paused, signal.SIGSTOP, children=True)
    stack.expire_lease(job_id)
    stack.start_worker()
    job = stack.wait_for_end(job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2), job.error
    before = (stack.artifacts(job_id).keys(), masks(stack, job_id), job.last_event)
    signal_to(paused, signal.SIGCONT, children=True)
    next_one = stack.submit(stack.spec(method="magnitude"))
    assert stack.wait_for_end(next_one).state == JobState.SUCCEEDED
    paused.stop()
    assert (stack.artifacts(job_id).keys(), masks(stack, job_id), stack.job(job_id).last_event) == before


def test_a_flushed_broker_loses_no_job(stack: Stack, broker_url: str) -> None:
    stack.environment["PRUNESERVE_REPUBLISH_SECONDS"] = "1"
    stack.start_dispatcher()
    jobs = [stack.submit(stack.spec(method="magnitude")) for _ in range(5)]
    stack.wait_for(jobs[0], lambda job: job.dispatched_at is not None)
    redis.Redis.from_url(broker_url).flushall()
    stack.start_worker()
    for job_id in jobs:
        job = stack.wait_for_end(job_id)
        assert (job.state, job.attempt) == (JobState.SUCCEEDED, 1), job.error
