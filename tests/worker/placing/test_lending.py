"""Idle workers of larger classes take smaller jobs, only where nothing of their own waits."""

from uuid import UUID

import redis
from sqlalchemy import update

from jobs.fleet import machines, quarantine, shares, steering
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.placing import lend
from jobs.placement.classes import Capacity
from jobs.states import PlacementState
from jobs.tables import Job
from tests.worker.placing.fleet import GIB, OUT_OF_MEMORY, TB, Fleet


def ends(fleet: Fleet, claim: lifecycle.Claim) -> None:
    with fleet.database.begin() as session:
        assert lifecycle.fail(session, claim, OUT_OF_MEMORY)


def published(fleet: Fleet, *job_ids: UUID) -> list[str | None]:
    """Where each job is published; None for one that is not."""
    jobs = [fleet.job(job_id) for job_id in job_ids]
    return [None if job.dispatched_at is None else job.queue for job in jobs]


def test_a_larger_worker_takes_a_smaller_job_only_while_nothing_of_its_own_waits(
    fleet: Fleet, broker: redis.Redis
) -> None:
    for size in (23, 79):
        fleet.worker(size)
    large = fleet.submit("405B")
    small = [fleet.submit("8B") for _ in range(4)]
    fleet.rounds()
    assert published(fleet, large, *small) == ["gpu.80g", "gpu.24g", None, None, None]
    fleet.claim(small[0], "gpu.24g")
    of_the_large_one = fleet.claim(large, "gpu.80g")
    fleet.rounds()
    assert published(fleet, *small[1:]) == [None] * 3, "both are busy"
    ends(fleet, of_the_large_one)
    fleet.rounds()
    assert published(fleet, *small[1:]) == ["gpu.80g", None, None]
    assert fleet.told(small[1]) == ["class gpu.80g takes the job: nothing of its own waits there"]
    fleet.rounds()
    assert published(fleet, *small[2:]) == [None, None], "one message for one idle worker"
    lent = fleet.claim(small[1], "gpu.80g")
    another = fleet.submit("405B")
    ends(fleet, lent)
    fleet.rounds()
    assert published(fleet, another, *small[2:]) == ["gpu.80g", None, None], "its own first"
    ends(fleet, fleet.claim(another, "gpu.80g"))
    # What has run goes on where its blocks are of use, and a paused class takes nothing.
    with fleet.database.begin() as session:
        session.execute(update(Job).where(Job.id == small[2]).values(attempt=1))
        steering.pause(session, "gpu.80g", "root")
    fleet.rounds()
    assert published(fleet, *small[2:]) == [None, None]
    with fleet.database.begin() as session:
        steering.resume(session, "gpu.80g")
    fleet.rounds()
    assert published(fleet, *small[2:]) == [None, "gpu.80g"]


def test_a_lent_job_whose_worker_is_gone_before_it_begins_returns_at_once(fleet: Fleet) -> None:
    for size in (23, 79):
        fleet.worker(size)
    large = [fleet.submit("405B") for _ in range(2)]
    small = [fleet.submit("8B") for _ in range(3)]
    fleet.rounds()
    ends(fleet, fleet.claim(large[0], "gpu.80g"))
    ends(fleet, fleet.claim(large[1], "gpu.80g"))
    fleet.rounds()
    assert published(fleet, *small) == ["gpu.24g", "gpu.80g", None]
    large.append(fleet.submit("405B"))
    fleet.rounds()
    fleet.gone("gpu.80g")
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in small] == ["gpu.24g"] * 3
    assert fleet.class_of(large[2]) == "gpu.80g", "it waits for its class, which another worker may join"


def test_a_lent_job_returns_though_its_worker_died_while_no_dispatcher_ran(fleet: Fleet) -> None:
    for size in (23, 79):
        fleet.worker(size)
    small = [fleet.submit("8B") for _ in range(2)]
    fleet.rounds()
    assert published(fleet, *small) == ["gpu.24g", "gpu.80g"]
    fleet.silent("gpu.80g", 40)
    fleet.restart()
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in small] == ["gpu.24g"] * 2


def test_a_worker_that_was_started_for_one_job_takes_none_of_a_smaller_class(fleet: Fleet) -> None:
    fleet.worker(23)
    fleet.worker(79, one_job=True)
    small, large = [fleet.submit("8B") for _ in range(2)], fleet.submit("405B")
    fleet.rounds()
    assert published(fleet, *small, large) == ["gpu.24g", None, "gpu.80g"]
    with fleet.database.begin() as session:
        assert owner_moves.cancel(session, "ada", large)
    fleet.rounds()
    assert published(fleet, *small) == ["gpu.24g", None]
    fleet.worker(79)
    fleet.rounds()
    assert published(fleet, *small) == ["gpu.24g", "gpu.80g"]


def test_a_smaller_worker_takes_no_larger_job_and_a_cpu_no_long_one(fleet: Fleet) -> None:
    for size in (0, 23, 79):
        fleet.worker(size)
    jobs = [fleet.submit("8B", {"device_memory_bytes": 30 * 10**9}) for _ in range(2)]
    fleet.rounds()
    assert published(fleet, *jobs) == ["gpu.80g", None]
    fleet.gone("gpu.80g")
    fleet.rounds()
    assert published(fleet, jobs[1]) == [None], "a CPU has room for it, and would take days"


def test_another_queue_that_a_worker_reads_comes_after_its_class(fleet: Fleet) -> None:
    has = Capacity(gpus=1, device_bytes=79 * GIB, host_bytes=200 * GIB, scratch_bytes=20 * TB)
    with fleet.database.begin() as session:
        machines.declared(session, "both", ["gpu.80g", "night"], has)
    own, of_the_night = fleet.submit("405B"), fleet.submit("8B")
    with fleet.database.begin() as session:
        at_night = {"queue": "night", "placement": PlacementState.PLACED}
        session.execute(update(Job).where(Job.id == of_the_night).values(at_night))
    fleet.rounds()
    assert published(fleet, own, of_the_night) == ["gpu.80g", None]
    ends(fleet, fleet.claim(own, "both"))
    fleet.rounds()
    assert published(fleet, of_the_night) == ["night"]


def test_a_lent_job_that_is_not_begun_goes_back_to_its_class_and_one_that_has_run_stays(fleet: Fleet) -> None:
    for size in (23, 79):
        fleet.worker(size)
    small = [fleet.submit("8B") for _ in range(3)]
    fleet.rounds()
    assert published(fleet, *small) == ["gpu.24g", "gpu.80g", None]
    ends(fleet, fleet.claim(small[0], "gpu.24g"))
    with fleet.database.begin() as session:
        steering.cordon(session, "gpu.80g")
        assert quarantine.leaves_to_another(session, "gpu.80g", small[1], 30)
        quarantine.put_back(session, small[1])
    fleet.rounds()
    assert published(fleet, *small[1:]) == ["gpu.24g", None], "the oldest first"
    assert fleet.told(small[1])[1:] == ["the job goes from class gpu.80g to class gpu.24g"]
    # Nor does one stay that its owner's limit has kept from the larger worker; what has run does.
    fleet.claim(small[1], "gpu.24g")
    with fleet.database.begin() as session:
        steering.uncordon(session, "gpu.80g")
        shares.grant(session, "ada", {"most_running": 1})
        lend(session, [small[2]], "gpu.80g")
        assert lifecycle.claim(session, small[2], "gpu.80g", 30) is None
    fleet.rounds()
    assert fleet.class_of(small[2]) == "gpu.24g"
    with fleet.database.begin() as session:
        session.execute(update(Job).where(Job.id == small[2]).values(queue="gpu.80g", attempt=1))
        quarantine.put_back(session, small[2])
    fleet.rounds()
    assert fleet.class_of(small[2]) == "gpu.80g"
