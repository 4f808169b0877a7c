"""Simulated workers of 24, 80 and 141 GB beside a real dispatcher: which class each job is given to."""

import pytest
import redis
from sqlalchemy import update

from jobs.fleet import dispatch_queue, placing, waiting
from jobs.fleet.waiting import WaitsFor
from jobs.placement.classes import UNPLACED
from jobs.placement.needs import Needs
from jobs.states import PlacementState
from jobs.tables import Worker
from tests.worker.placing.fleet import GIB, LONG_AGO, Fleet
from worker.dispatcher.sizing import Sizing


def test_each_job_is_given_to_the_smallest_class_that_it_fits(fleet: Fleet, broker: redis.Redis) -> None:
    assert [fleet.worker(size) for size in (141, 23, 79, 0)] == ["gpu.141g", "gpu.24g", "gpu.80g", "cpu"]
    large, middle, tiny = (fleet.submit(size) for size in ("405B", "8B", "tiny"))
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (large, middle, tiny)] == ["gpu.80g", "gpu.24g", "cpu"]
    assert [broker.llen(queue) for queue in ("gpu.141g", "gpu.80g", "gpu.24g", "cpu", UNPLACED)] == [
        *(0, 1, 1, 1, 0)
    ]
    assert fleet.told(large) == [], "that a job waits in the queue of its class is no news"
    assert fleet.reason(large) == waiting.Wait(WaitsFor.ITS_TURN, 1)
    needs = Needs.model_validate(fleet.job(large).needs)
    assert 24 * GIB < needs.device_bytes < 79 * GIB


def test_405b_never_reaches_24_gb(fleet: Fleet, broker: redis.Redis) -> None:
    small = fleet.worker(23)
    job_id = fleet.submit("405B")
    fleet.rounds()  # one of each part, of which there are two and more a second
    assert fleet.job(job_id).placement == PlacementState.UNSCHEDULABLE
    wait = fleet.reason(job_id)
    assert wait.reason == WaitsFor.UNSCHEDULABLE
    assert wait.shortage is not None
    assert "fits nowhere" in wait.shortage
    assert "class gpu.24g is nearest" in wait.shortage
    assert "gpu.80g or larger" in wait.shortage
    assert [broker.llen(queue) for queue in (small, UNPLACED)] == [0, 0]
    assert fleet.told(job_id) == [wait.shortage]
    for _ in range(3):  # it is told once
        fleet.rounds()
    assert fleet.worker(22.5, "another of 24 GB") == small
    fleet.rounds()
    assert len(fleet.told(job_id)) == 1
    # A message of before does not make such a worker take it either.
    assert not fleet.may_claim(job_id, small)
    fleet.worker(79)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.80g"
    assert broker.llen("gpu.80g") == 1
    assert fleet.told(job_id)[1:] == ["a worker of class gpu.80g is connected, and the job fits it"]
    assert fleet.job(job_id).unschedulable_since is None
    assert fleet.may_claim(job_id, "gpu.80g")


def test_what_a_request_says_holds_in_place_of_the_estimate(fleet: Fleet) -> None:
    for size in (23, 79, 0):
        fleet.worker(size)
    modest = fleet.submit("405B", {"device_memory_bytes": 20 * 10**9})
    greedy = fleet.submit("tiny", {"gpus": 1, "device_memory_bytes": 60 * 10**9})
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (modest, greedy)] == ["gpu.24g", "gpu.80g"]


def test_silent_and_unknown_workers_make_no_class_and_a_quarantined_one_keeps_its(fleet: Fleet) -> None:
    for size in (23, 79, 141):
        fleet.worker(size)
    with fleet.database.begin() as session:
        session.execute(update(Worker).where(Worker.name == "gpu.24g").values(seen_at=LONG_AGO))
        session.execute(update(Worker).where(Worker.name == "gpu.80g").values(quarantined_at=LONG_AGO))
        dispatch_queue.worker_seen(session, "untested", "unknown")
        assert sorted(placing.live_classes(session, 30)) == ["gpu.141g", "gpu.80g"]


@pytest.mark.threat
def test_a_request_that_says_nothing_is_needed_takes_no_cpu_for_a_job_of_weeks(fleet: Fleet) -> None:
    for size in (0, 23):
        fleet.worker(size)
    nothing = {"device_memory_bytes": 0, "host_memory_bytes": 0, "scratch_bytes": 0}
    job_id = fleet.submit("405B", nothing)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.24g", "a quarter of the estimate fits there"
    # Nor does it where the dispatcher cannot read the model, and its worker does not believe it.
    unread = fleet.submit("405B", nothing)
    (fleet.models / "405B" / "config.json").unlink()
    fleet.sizing = Sizing(fleet.database, fleet.settings)
    fleet.rounds()
    assert fleet.class_of(unread) == "gpu.24g"
    claim = fleet.claim(unread, "gpu.24g")
    with fleet.database.begin() as session:
        needs = Needs(device_bytes=60 * 10**9, cpu_bytes=10**13, cpu_seconds=1e6)
        assert not placing.fits_here(session, claim, "gpu.24g", needs)
        assert placing.send_elsewhere(session, claim, needs, 30)
    fleet.rounds()
    assert fleet.job(unread).placement == PlacementState.UNSCHEDULABLE


@pytest.mark.threat
@pytest.mark.parametrize("beside", [(), (23,)])
def test_what_no_worker_has_is_not_given_to_those_that_take_jobs_of_no_class(
    fleet: Fleet, broker: redis.Redis, beside: tuple[int, ...]
) -> None:
    assert fleet.worker(79, "of no class", UNPLACED) == UNPLACED
    for size in beside:
        fleet.worker(size)
    greedy = [fleet.submit("tiny", {"device_memory_bytes": 10**13, "gpus": 1}) for _ in range(4)]
    fleet.rounds()
    large = fleet.submit("405B")
    for _ in range(3):
        fleet.rounds()
    assert [fleet.job(job_id).placement for job_id in greedy] == [PlacementState.UNSCHEDULABLE] * 4
    for job_id in greedy:
        wait = fleet.reason(job_id)
        assert wait.reason == WaitsFor.UNSCHEDULABLE
        assert fleet.told(job_id) == [wait.shortage]
        assert "10000.0 GB of GPU memory" in str(wait.shortage)
    assert (fleet.class_of(large), broker.llen(UNPLACED)) == (UNPLACED, 1)
    assert fleet.may_claim(large, "of no class")
