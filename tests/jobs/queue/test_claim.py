"""Which job a worker is given: what it may run, in whose turn, and what it leaves to others."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import backlog, conditions, workers
from jobs.queue import claim as claims
from jobs.queue.resources import Needs
from jobs.spec.job import JobSpec
from jobs.states import Cause, JobState
from jobs.tables import NOW, Job, JobAttempt, JobBlock, Worker
from tests.claims import is_blocked, job
from tests.eventually import eventually
from tests.jobs.queue.fleet import (
    CPU,
    GPU_24G,
    GPU_80G,
    LARGE,
    LONG,
    SMALL,
    claim,
    claim_one,
    register,
    submit,
)

BROKEN = JobError(type="worker", message="its disk is broken", cause=Cause.WORKER)


def claimed(session: Session, worker: str) -> UUID | None:
    found = claim(session, worker)
    return None if found is None else found.job_id


def hand_back(session: Session, worker: str) -> UUID:
    """Let a worker claim a job and put it back. Returns the job."""
    found = claim_one(session, worker)
    assert lifecycle.hand_back(session, found, "it shuts down")
    return found.job_id


def test_a_claim_records_the_worker_and_its_queue(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "w")
        job_id = submit(session, spec)
        assert claimed(session, "w") == job_id
        job = session.get_one(Job, job_id)
        assert (job.state, job.attempt, job.worker, job.queue) == (JobState.RUNNING, 1, "w", "cpu")
        assert claim(session, "w") is None


@pytest.mark.parametrize(
    "values",
    [
        {"needs": None},
        {"next_try_at": NOW + timedelta(minutes=1)},
        {"state": JobState.CANCELLED},
        {"needs": LARGE.model_dump()},
    ],
)
def test_a_job_that_is_not_ready_is_left_for_the_next_one(
    database: Database, spec: JobSpec, values: dict[str, object]
) -> None:
    with database.begin() as session:
        register(session, "w")
        session.execute(update(Job).where(Job.id == submit(session, spec)).values(values))
        ready = submit(session, spec)
        assert claimed(session, "w") == ready
        assert claim(session, "w") is None


def test_a_job_that_waits_for_another_is_claimed_once_that_has_ended(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "w")
        computing = submit(session, spec)
        blocked = submit(session, spec, blocked_on=computing)
        found = claim_one(session, "w")
        assert found.job_id == computing
        assert claim(session, "w") is None
        assert lifecycle.succeed(session, found, None, [])
        assert claimed(session, "w") == blocked


@pytest.mark.parametrize(
    "act", [conditions.cordon, conditions.drain, lambda s, w: conditions.quarantine(s, w, "x")]
)
def test_a_worker_that_takes_no_jobs_claims_none(
    database: Database, spec: JobSpec, act: Callable[[Session, str], object]
) -> None:
    with database.begin() as session:
        register(session, "w")
        submit(session, spec)
        act(session, "w")
        assert claim(session, "w") is None


def test_a_worker_that_is_silent_or_unknown_claims_none(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "w")
        submit(session, spec)
        session.execute(update(Worker).values(seen_at=NOW - timedelta(seconds=31)))
        assert claim(session, "w") is None
        assert claim(session, "unknown") is None


def test_workers_of_a_paused_queue_claim_nothing_and_no_others_claim_its_jobs(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "cpu")
        register(session, "gpu", "gpu.80g", GPU_80G)
        short = submit(session, spec, needs=SMALL)
        large = submit(session, spec, needs=LARGE)
        conditions.pause(session, "cpu", "root")
        assert [claimed(session, name) for name in ("cpu", "gpu", "gpu")] == [None, large, None]
        conditions.resume(session, "cpu")
        assert claimed(session, "gpu") == short


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_claim_whose_answer_was_lost_is_handed_back_or_cancelled(
    database: Database, spec: JobSpec, is_cancelled: bool
) -> None:
    with database.begin() as session:
        register(session, "w")
        lost = submit(session, spec)
        unanswered = claim_one(session, "w")
        if is_cancelled:
            assert owner_moves.cancel(session, "ada", lost)
        claims.hand_back_unanswered(session, unanswered)
        assert session.get_one(Job, lost).state == (JobState.CANCELLED if is_cancelled else JobState.QUEUED)


def test_a_cordon_or_a_pause_waits_for_a_claim_that_has_begun(database: Database, spec: JobSpec) -> None:
    """So the operator knows the last job that runs."""
    with database.begin() as session:
        register(session, "w")
        submit(session, spec)

    def pause() -> int:
        with database.begin() as session:
            conditions.pause(session, "cpu", "root")
            return len(workers.fleet(session, 30).of_queue("cpu")) - sum(
                it.idle for it in workers.fleet(session, 30).of_queue("cpu")
            )

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as session:
            assert claim(session, "w") is not None
            paused = pool.submit(pause)
            assert not paused.done()
        assert paused.result(20) == 1, "the job that has begun"


def test_a_claim_whose_commit_is_in_flight_is_handed_back_once_it_has_ended(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "w")
        job_id = submit(session, spec)

    def hand_back(lost: Claim) -> None:
        with database.begin() as session:
            claims.hand_back_unanswered(session, lost)

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as session:
            handed_back = pool.submit(hand_back, claim_one(session, "w"))
            eventually(lambda: handed_back.done() or is_blocked(database))
        handed_back.result(20)
    assert job(database, job_id).state == JobState.QUEUED


def test_each_worker_runs_what_fits_it_and_the_largest_first(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "cpu")
        register(session, "24g", "gpu.24g", GPU_24G)
        register(session, "80g", "gpu.80g", GPU_80G)
        short, long, large = (submit(session, spec, needs=needs) for needs in (SMALL, LONG, LARGE))
        unknown = submit(session, spec, needs=None)
        assert hand_back(session, "80g") == large, "it fits no smaller worker"
        assert hand_back(session, "24g") == long
        assert hand_back(session, "cpu") == short
        conditions.pause(session, "cpu", "root")
        assert [claimed(session, "24g") for _ in range(3)] == [long, unknown, None]
        assert claimed(session, "80g") == large
        conditions.resume(session, "cpu")
        assert claimed(session, "80g") == short, "it runs smaller ones as well"


def test_a_cpu_leaves_long_jobs_to_gpus_that_they_fit_while_one_is_alive(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "cpu")
        register(session, "24g", "gpu.24g", GPU_24G)
        long = submit(session, spec, needs=LONG)
        assert claim(session, "cpu") is None
        workers.delete_worker(session, "24g")
        assert claimed(session, "cpu") == long


def test_a_worker_with_named_queues_runs_only_their_jobs(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "cpu")
        register(session, "24g", "gpu.24g", GPU_24G)
        register(session, "80g", "gpu.80g", GPU_80G, queues=["gpu.80g", "gpu.24g"])
        submit(session, spec, needs=SMALL)
        long = submit(session, spec, needs=LONG)
        assert [claimed(session, "80g") for _ in range(2)] == [long, None]


def finish_block(session: Session, job_id: UUID, device: str) -> None:
    """Store that a device has finished the first block of a job."""
    block = {"stage": "prune", "block": 0, "attempt": 1, "key": "k", "size": 1, "sha256": ""}
    session.add(JobBlock(job_id=job_id, numerics_key={"device": device}, **block))
    session.flush()


def test_a_job_that_failed_through_a_worker_is_left_to_others_for_a_while(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "sick")
        job_id = submit(session, spec)
        found = claim_one(session, "sick")
        assert lifecycle.requeue_after_fault(session, found, BROKEN, 6)
        assert hand_back(session, "sick") == job_id, "there is no other worker"
        register(session, "well")
        assert claim(session, "sick") is None
        conditions.quarantine(session, "well", "no device")
        assert hand_back(session, "sick") == job_id, "nor one that takes jobs"
        conditions.release(session, "well")
        other = submit(session, spec)
        assert hand_back(session, "sick") == other
        assert hand_back(session, "well") == job_id
        long_ago = NOW - timedelta(minutes=16)
        session.execute(update(JobAttempt).where(JobAttempt.worker == "sick").values(ended_at=long_ago))
        assert claimed(session, "sick") == job_id, "it has waited long enough"


def test_a_job_that_has_failed_on_every_worker_is_left_to_none_for_a_minute(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "a")
        register(session, "b")
        job_id = submit(session, spec)
        assert lifecycle.requeue_after_fault(session, claim_one(session, "a"), BROKEN, 6)
        assert lifecycle.requeue_after_fault(session, claim_one(session, "b"), BROKEN, 6)
        assert (claim(session, "a"), claim(session, "b")) == (None, None)
        session.execute(update(JobAttempt).values(ended_at=NOW - timedelta(seconds=61)))
        assert claimed(session, "a") == job_id


def test_a_fault_does_not_leave_a_job_to_workers_that_could_not_use_its_blocks(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "l4", "gpu.24g", GPU_24G, device="cuda (L4)")
        register(session, "h100", "gpu.80g", GPU_80G, device="cuda (H100)")
        job_id = submit(session, spec, needs=LONG)
        assert hand_back(session, "h100") == job_id
        finish_block(session, job_id, "cuda (H100)")
        assert lifecycle.requeue_after_fault(session, claim_one(session, "h100"), BROKEN, 6)
        assert (claim(session, "l4"), claim(session, "h100")) == (None, None)
        session.execute(update(JobAttempt).values(ended_at=NOW - timedelta(seconds=61)))
        assert claim(session, "l4") is None
        assert claimed(session, "h100") == job_id


def test_a_job_goes_on_where_a_like_device_has_finished_its_blocks(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "a", "gpu.24g", GPU_24G, device="cuda (L4)")
        register(session, "b", "gpu.80g", GPU_80G, device="cuda (H100)")
        job_id = submit(session, spec, needs=LONG)
        assert hand_back(session, "b") == job_id
        finish_block(session, job_id, "cuda (H100)")
        assert claim(session, "a") is None
        session.execute(update(Job).values(needs=LARGE.model_dump()))
        assert hand_back(session, "b") == job_id
        session.execute(update(Job).values(needs=LONG.model_dump()))
        conditions.cordon(session, "b")
        assert claimed(session, "a") == job_id


def test_a_job_that_a_gpu_has_begun_is_left_to_its_like_for_a_while_after_that_has_gone(
    database: Database, spec: JobSpec
) -> None:
    """A worker that starts again has another name: an idle CPU must not take its job in between."""
    with database.begin() as session:
        register(session, "cpu", queues=["cpu"], device="cpu")
        register(session, "gpu", "gpu.80g", GPU_80G, device="cuda:0 (H100)")
        job_id = submit(session, spec, needs=LONG)
        found = claim_one(session, "gpu")
        finish_block(session, job_id, "cuda:0 (H100)")
        assert lifecycle.hand_back(session, found, "it shuts down")
        workers.delete_worker(session, "gpu")
        other = submit(session, spec)
        assert [claimed(session, "cpu") for _ in range(2)] == [other, None]
        register(session, "again", "gpu.80g", GPU_80G, device="cuda:0 (H100)")
        assert hand_back(session, "again") == job_id
        workers.delete_worker(session, "again")
        session.execute(update(Job).values(queued_at=NOW - timedelta(minutes=14)))
        assert claim(session, "cpu") is None
        session.execute(update(Job).values(queued_at=NOW - timedelta(minutes=16)))
        assert claimed(session, "cpu") == job_id


def test_a_job_that_was_begun_elsewhere_is_not_kept_from_a_device_that_is_not_measured(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        register(session, "gpu", "gpu.80g", GPU_80G, device="cuda:0 (H100)")
        job_id = submit(session, spec, needs=LONG)
        found = claim_one(session, "gpu")
        finish_block(session, job_id, "cuda:0 (H100)")
        assert lifecycle.hand_back(session, found, "it shuts down")
        workers.delete_worker(session, "gpu")
        register(session, "again", "gpu.80g", GPU_80G)
        assert claimed(session, "again") == job_id


def test_of_claims_at_once_each_job_is_given_once(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        for number in range(8):
            register(session, f"w{number}")
        jobs = {submit(session, spec) for _ in range(5)}

    def one(number: int) -> UUID | None:
        with database.begin() as session:
            return claimed(session, f"w{number}")

    with ThreadPoolExecutor(8) as pool:
        found = [job_id for job_id in pool.map(one, range(8)) if job_id is not None]
    assert sorted(found) == sorted(jobs)


def test_groups_are_open_to_the_workers_that_may_run_their_jobs(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        register(session, "cpu")
        register(session, "24g", "gpu.24g", GPU_24G)
        for needs in (SMALL, SMALL, LONG, LARGE, Needs(gpus=2)):
            submit(session, spec, needs=needs)

    def open_to(session: Session, name: str) -> list[Needs]:
        fleet, groups = workers.fleet(session, 30), backlog.groups(session)
        assert len(groups) == 4
        found = claims.claimable_groups([fleet.workers[name]], fleet, groups)
        return sorted((group.needs for group in found), key=lambda needs: needs.cpu_seconds)

    with database.begin() as session:
        assert open_to(session, "cpu") == [SMALL]
        assert open_to(session, "24g") == [SMALL, LONG]
        conditions.pause(session, "cpu", "root")
        assert open_to(session, "cpu") == []
        assert open_to(session, "24g") == [LONG]
        conditions.cordon(session, "24g")
        assert open_to(session, "24g") == []


def test_the_capacity_is_that_of_the_worker_and_not_of_its_queue(database: Database, spec: JobSpec) -> None:
    roomy = CPU.model_copy(update={"host_bytes": 100 * CPU.host_bytes})
    with database.begin() as session:
        register(session, "small")
        register(session, "roomy", capacity=roomy)
        job_id = submit(session, spec, needs=LARGE)
        assert [claimed(session, "small"), claimed(session, "roomy")] == [None, job_id]
