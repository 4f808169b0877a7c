"""A worker has too little memory for its job: the job waits for one that has more."""

import pytest

from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.queue import shortage, workers
from jobs.queue.resources import Needs
from jobs.queue.waiting import Waits, WaitsFor
from jobs.spec.job import JobSpec
from jobs.states import Cause, JobState, LostAttempt
from jobs.tables import Job
from tests.jobs.queue.fleet import CPU, GB, GPU_24G, GPU_80G, LARGE, LONG, claim, claim_one, register, submit

OUT_OF_MEMORY = JobError(type="out_of_memory", message="too small; use a larger machine", cause=Cause.REQUEST)


def test_out_of_memory_goes_to_ever_larger_workers_and_then_waits_for_one(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        workers.record_scheduler_heartbeat(session, "scheduler")
        register(session, "cpu")
        register(session, "24g", "gpu.24g", GPU_24G)
        register(session, "80g", "gpu.80g", GPU_80G)
        job_id = submit(session, spec, needs=LONG)
        for name in ("24g", "80g"):
            found = claim_one(session, name)
            assert shortage.requeue_out_of_memory(session, found, name, OUT_OF_MEMORY, of_host=False)
            job = session.get_one(Job, job_id, populate_existing=True)
            assert (job.state, job.lost_attempts, job.error) == (JobState.QUEUED, 0, None)
            assert [claim(session, other) for other in ("cpu", "24g")] == [None, None]
        assert claim(session, "80g") is None
        [wait] = Waits(30).of(session, [job]).values()
        assert wait.reason == WaitsFor.UNSCHEDULABLE
        register(session, "141g", "gpu.141g", GPU_80G.model_copy(update={"device_bytes": 140 * GB}))
        found = claim_one(session, "141g")
        assert owner_moves.cancel(session, "ada", job_id)


def test_memory_of_the_host_is_raised_where_that_ran_out(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "24g", "gpu.24g", GPU_24G)
        job_id = submit(session, spec, needs=LONG)
        found = claim_one(session, "24g")
        assert shortage.requeue_out_of_memory(session, found, "24g", OUT_OF_MEMORY, of_host=True)
        needs = Needs.model_validate(session.get_one(Job, job_id).needs)
        assert needs.host_bytes > GPU_24G.host_bytes
        assert needs.device_bytes == LONG.device_bytes


@pytest.mark.parametrize("has_larger", [True, False])
def test_an_oom_killed_attempt_is_lost_where_no_worker_has_more_memory(
    database: Database, spec: JobSpec, has_larger: bool
) -> None:
    with database.begin() as session:
        register(session, "small")
        if has_larger:
            register(session, "large", "large", CPU.model_copy(update={"host_bytes": 64 * GB}))
        job_id = submit(session, spec)
        found = claim_one(session, "small")
        state = shortage.take_back_out_of_memory(session, found, "small", "the system killed it", 3, 30)
        assert state == JobState.QUEUED
        job = session.get_one(Job, job_id, populate_existing=True)
        assert job.lost_attempts == (0 if has_larger else 1)
        assert (claim(session, "small") is None) == has_larger
        assert LostAttempt.OUT_OF_MEMORY == "out_of_memory"


def test_an_unsized_job_is_requeued_by_a_worker_that_it_does_not_fit(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "24g", "gpu.24g", GPU_24G)
        register(session, "80g", "gpu.80g", GPU_80G)
        job_id = submit(session, spec, needs=None)
        found = claim_one(session, "24g")
        assert not shortage.record_needs_if_fits(session, found, "24g", LARGE)
        assert lifecycle.hand_back(session, found, "it has less")
        assert claim(session, "24g") is None
        found = claim_one(session, "80g")
        assert found.job_id == job_id
        assert shortage.record_needs_if_fits(session, found, "80g", LARGE)


def test_what_a_worker_ran_out_of_is_not_lowered_by_an_estimate(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "80g", "gpu.80g", GPU_80G)
        job_id = submit(session, spec, needs=LARGE)
        found = claim_one(session, "80g")
        assert shortage.record_needs_if_fits(session, found, "80g", LONG)
        job = session.get_one(Job, job_id, populate_existing=True)
        assert job.needs["device_bytes"] == LARGE.device_bytes
