"""A worker has too little for its job: memory that ran out, and jobs that it refuses."""

from collections.abc import Callable

from sqlalchemy import select

from jobs.fleet import placing
from jobs.lifecycle import owner_moves
from jobs.placement.needs import Needs
from jobs.states import JobState, PlacementState
from jobs.tables import DailyUse, RecentUse
from tests.worker.placing.fleet import GIB, OUT_OF_MEMORY, Fleet
from worker.attempt.claim import claimed
from worker.identity import Identity


def test_out_of_memory_goes_one_class_up_and_no_further_than_there_are_classes(fleet: Fleet) -> None:
    for size in (141, 23, 79, 0):
        fleet.worker(size)
    job_id = fleet.submit("8B")
    fleet.rounds()
    for before, after in (("gpu.24g", "gpu.80g"), ("gpu.80g", "gpu.141g")):
        assert fleet.class_of(job_id) == before
        job = fleet.runs_out_of_memory(job_id, before)
        assert (job.state, job.lost_attempts, job.error) == (JobState.QUEUED, 0, None)
        assert fleet.told(job_id)[-1] == (
            f"out of memory on a worker of class {before}: the job goes to class {after}"
        )
        assert not fleet.may_claim(job_id, before)
        fleet.rounds()
    failed = fleet.runs_out_of_memory(job_id, "gpu.141g")
    assert failed.state == JobState.FAILED, "a CPU would take days, and is not larger"
    assert failed.error is not None
    assert failed.error["message"] == OUT_OF_MEMORY.message
    with fleet.database.begin() as session:
        owner_moves.retry(session, "ada", job_id)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.141g", "a retry knows what smaller workers had too little for"


def test_a_worker_that_said_nothing_fails_a_job_that_runs_out_of_memory(fleet: Fleet) -> None:
    fleet.worker(79)
    job_id = fleet.submit("8B")
    assert fleet.runs_out_of_memory(job_id, "that declares nothing").state == JobState.FAILED


def test_a_model_that_only_workers_have_begins_small_and_its_worker_sends_it_where_it_fits(
    fleet: Fleet,
) -> None:
    for size in (23, 79):
        fleet.worker(size)
    job_id = fleet.submit("405B")
    (fleet.models / "405B" / "config.json").unlink()
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.24g"
    assert fleet.job(job_id).needs is None
    claim = fleet.claim(job_id, "gpu.24g")
    needs = Needs(device_bytes=60 * 10**9, host_bytes=1, cpu_bytes=1, cpu_seconds=1e6)
    with fleet.database.begin() as session:
        assert not placing.fits_here(session, claim, "gpu.24g", needs)
        assert placing.send_elsewhere(session, claim, needs, 30)
    assert fleet.class_of(job_id) == "gpu.80g"
    assert fleet.told(job_id)[-1].endswith("it goes to class gpu.80g")
    claim = fleet.claim(job_id, "gpu.80g")
    with fleet.database.begin() as session:
        assert placing.fits_here(session, claim, "gpu.80g", needs)
    fleet.gone("gpu.80g")
    with fleet.database.begin() as session:
        assert placing.send_elsewhere(session, claim, needs, 30)
    fleet.rounds()
    assert fleet.job(job_id).placement == PlacementState.UNSCHEDULABLE


def test_a_worker_leaves_a_job_that_it_has_too_little_for(
    fleet: Fleet, worker: Identity, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    fleet.worker(23, worker.name)
    job_id = fleet.submit("405B")
    fleet.worker(79)
    fleet.rounds()
    with claimed(job_id, fleet.settings, worker) as attempt:
        assert attempt is None
    assert fleet.job(job_id).state == JobState.QUEUED
    assert fleet.job(job_id).dispatched_at is None, "it is published again"
    assert fleet.job(job_id).placement == PlacementState.SIZED, "where it fits"
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.80g"


def test_a_host_that_ran_out_of_memory_raises_what_the_job_needs_of_hosts(fleet: Fleet) -> None:
    fleet.worker(79, host_bytes=32 * GIB)
    fleet.worker(141, host_bytes=32 * GIB)
    fleet.worker(47, host_bytes=64 * GIB)
    job_id = fleet.submit("8B", {"device_memory_bytes": 60 * GIB})
    fleet.rounds()
    before = Needs.model_validate(fleet.job(job_id).needs)
    failed = fleet.runs_out_of_memory(job_id, "gpu.80g", of_host=True)
    assert failed.state == JobState.FAILED, "no other GPU of that size has a host with more"
    roomy = fleet.submit("8B", {"device_memory_bytes": 30 * GIB})
    fleet.worker(47, host_bytes=16 * GIB)
    fleet.worker(180, "roomy", host_bytes=64 * GIB)
    fleet.rounds()
    moved = fleet.runs_out_of_memory(roomy, "gpu.48g", of_host=True)
    needs = Needs.model_validate(moved.needs)
    assert needs.host_bytes > 16 * GIB
    assert needs.device_bytes == 30 * GIB < before.device_bytes
    assert fleet.class_of(roomy) == "gpu.80g"
    assert fleet.told(roomy)[-1] == (
        "out of the host's memory on a worker of class gpu.48g: the job goes to class gpu.80g"
    )
    again = fleet.runs_out_of_memory(roomy, "gpu.80g", of_host=True)
    assert Needs.model_validate(again.needs).host_bytes > 32 * GIB
    assert fleet.class_of(roomy) == "gpu.180g", "the one of 141 GB has a host of the same size"


def test_what_an_attempt_without_enough_memory_has_used_is_booked_where_it_ran(fleet: Fleet) -> None:
    for size in (23, 79):
        fleet.worker(size)
    job_id = fleet.submit("8B")
    fleet.rounds()
    assert fleet.runs_out_of_memory(job_id, "gpu.24g").queue == "gpu.80g"
    with fleet.database.begin() as session:
        for table in (RecentUse, DailyUse):
            assert session.scalars(select(table.queue)).all() == ["gpu.24g"]
