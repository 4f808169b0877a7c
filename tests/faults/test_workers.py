"""Workers that are killed, suspended or shut down in the middle of a job."""

import signal
import time

import pytest

from jobs.states import JobState
from jobs.storage.store import Store
from pruning.recipe import Stage
from tests.eventually import eventually
from tests.faults.conftest import Judge
from tests.faults.kills import Kill, durable
from tests.stack import Stack, signal_to
from tests.tiers import nightly


@pytest.mark.nightly
def test_a_job_whose_workers_are_killed_in_every_stage_succeeds(stack: Stack, judge: Judge) -> None:
    stack.start_scheduler()
    worker = stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stages, killed = (Stage.GRADIENTS, Stage.PRUNE, Stage.EVALUATE), 0
    for stage in stages:
        job = stack.wait_for(
            job_id,
            lambda job, stage=stage, killed=killed: job.stage == stage and job.attempt > killed,  # type: ignore[misc]
        )
        killed = job.attempt
        signal_to(worker, signal.SIGKILL, children=True)
        stack.expire_lease(job_id)
        worker = stack.start_worker()
    judge("kill -9 in each stage", len(stages), [job_id])
    job = stack.job(job_id)
    assert (job.attempt, job.lost_attempts) == (4, 0)  # a new block has reset the count each time


@pytest.mark.nightly
def test_a_kill_while_shards_are_written_behind_repeats_two_blocks_at_most(
    stack: Stack, judge: Judge, store_url: str
) -> None:
    stack.limit(ORPHANED_FILE_SECONDS=86400)  # the shards of both attempts are counted
    stack.start_scheduler()
    worker = stack.start("tests.faults.streaming_worker")
    job_id = stack.submit(stack.long_spec())
    stack.wait_until(lambda: len(durable(stack, job_id)) > 1)  # the first is the run's identity
    signal_to(worker, signal.SIGSTOP, children=True)
    time.sleep(0.1)  # for the queries that it has just sent
    kill = Kill(job_id, 1, Stage.GRADIENTS, durable(stack, job_id))
    assert stack.job(job_id).stage == Stage.GRADIENTS
    signal_to(worker, signal.SIGKILL, children=True)
    stack.expire_lease(job_id)
    stack.start("tests.faults.streaming_worker")
    judge("kill -9 while shards are written behind", 1, [job_id])
    assert kill.repeated(Store(store_url), damaged=()) <= kill.allowed == 2


@pytest.mark.nightly
@pytest.mark.parametrize("everyone", [False, nightly(True)], ids=["parent", "whole group"])
def test_a_shutdown_hands_the_job_back_and_ends(stack: Stack, judge: Judge, everyone: bool) -> None:
    worker = stack.start_worker()
    stack.start_scheduler()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_running(job_id)
    signal_to(worker, signal.SIGTERM, children=everyone)
    handed_back = stack.wait_for(job_id, lambda job: job.state == JobState.QUEUED)
    assert handed_back.lost_attempts == 0
    eventually(lambda: not worker.running)
    stack.start_worker()
    judge("SIGTERM", 1, [job_id])
    job = stack.job(job_id)
    assert (job.attempt, job.lost_attempts) == (2, 0)


@pytest.mark.nightly
def test_a_suspended_worker_that_wakes_up_late_changes_nothing(stack: Stack, judge: Judge) -> None:
    stack.start_scheduler()
    suspended = stack.start_worker()
    job_id = stack.submit(stack.long_spec())
    stack.wait_until_running(job_id)
    signal_to(suspended, signal.SIGSTOP, children=True)
    stack.expire_lease(job_id)
    stack.start_worker()
    job = stack.wait_for_end(job_id)
    assert (job.state, job.attempt) == (JobState.SUCCEEDED, 2), job.error
    before = (stack.artifacts(job_id).keys(), job.last_event)
    signal_to(suspended, signal.SIGCONT, children=True)
    next_one = stack.submit(stack.spec(method="magnitude"))
    judge("SIGSTOP beyond the lease, then SIGCONT", 1, [job_id, next_one])
    suspended.stop()
    assert (stack.artifacts(job_id).keys(), stack.job(job_id).last_event) == before
