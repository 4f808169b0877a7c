"""Classes come, go, grow and shrink while jobs wait."""

from typing import Any

import pytest
import redis
from sqlalchemy import Text, cast, func, literal_column, select, text, update
from sqlalchemy.orm import Session

from jobs.fleet import dispatch_queue, placing, steering, waiting
from jobs.lifecycle import finished_blocks, lifecycle
from jobs.placement.classes import UNPLACED
from jobs.states import PlacementState
from jobs.storage.store import StoredFile
from jobs.tables import Job, Worker
from tests.worker.placing.fleet import GIB, TB, Fleet


def test_workers_that_take_every_job_are_served_as_before_there_were_classes(
    fleet: Fleet, broker: redis.Redis
) -> None:
    with fleet.database.begin() as session:
        dispatch_queue.worker_seen(session, "that declares nothing", UNPLACED)
    job_id = fleet.submit("405B")
    fleet.rounds()
    assert broker.llen(UNPLACED) == 1
    assert fleet.job(job_id).queue == UNPLACED
    # Beside workers of classes it takes only what fits none of them.
    fleet.worker(23)
    small = fleet.submit("8B")
    fleet.rounds()
    assert [fleet.class_of(one) for one in (job_id, small)] == [UNPLACED, "gpu.24g"]
    assert fleet.told(job_id) == []


def test_jobs_that_were_published_to_everybody_move_to_a_class_once_there_is_one(
    fleet: Fleet, broker: redis.Redis
) -> None:
    job_id = fleet.submit("8B")
    with fleet.database.begin() as session:
        dispatch_queue.worker_seen(session, "that declares nothing", UNPLACED)
    fleet.rounds()
    assert broker.llen(UNPLACED) == 1, "the only worker takes every job"
    with fleet.database.begin() as session:
        dispatch_queue.worker_gone(session, "that declares nothing")
    fleet.worker(79)
    fleet.rounds()
    assert (fleet.class_of(job_id), broker.llen("gpu.80g")) == ("gpu.80g", 1)


@pytest.mark.threat
def test_a_class_whose_worker_comes_back_smaller_is_left_by_the_jobs_that_it_cannot_run(
    fleet: Fleet, broker: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.dispatcher.placement._PER_ROUND", 2)
    fleet.worker(79, scratch_bytes=5 * TB)
    needy = [fleet.submit("tiny", {"gpus": 1, "scratch_bytes": 5 * TB}) for _ in range(5)]
    for _ in range(3):
        fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in needy] == ["gpu.80g"] * 5
    fleet.gone("gpu.80g")
    fleet.rounds()
    assert {fleet.class_of(job_id) for job_id in needy} == {"gpu.80g"}, "they wait for their class"
    fleet.worker(79, scratch_bytes=5 * TB - 1)
    modest = fleet.submit("tiny", {"gpus": 1})
    for _ in range(6):
        fleet.rounds()
    assert [fleet.job(job_id).placement for job_id in needy] == [PlacementState.UNSCHEDULABLE] * 5
    assert "scratch disk" in str(fleet.reason(needy[-1]).shortage)
    assert fleet.job(modest).dispatched_at is not None
    fleet.worker(79, "another", scratch_bytes=6 * TB)
    fleet.worker(79, scratch_bytes=6 * TB)
    for _ in range(3):
        fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in needy] == ["gpu.80g"] * 5


def test_jobs_of_no_class_find_one_once_nobody_takes_them(fleet: Fleet) -> None:
    fleet.worker(79, "of no class", UNPLACED)
    job_id = fleet.submit("405B")
    fleet.rounds()
    assert fleet.class_of(job_id) == UNPLACED
    fleet.gone("of no class")
    fleet.worker(141)
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.141g"


@pytest.mark.parametrize("step", ["look_again", "place_sized"])
def test_a_larger_worker_is_not_forgotten_with_a_round_whose_connection_breaks(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    fleet.worker(23)
    job_id = fleet.submit("405B")
    fleet.rounds()
    fleet.worker(79)
    real = getattr(placing, step)

    def breaks(session: Session, *others: Any) -> Any:
        done = real(session, *others)
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return done

    with monkeypatch.context() as broken:
        broken.setattr(placing, step, breaks)
        assert not fleet.dispatcher.round()
    fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.80g"


def test_unschedulable_jobs_are_looked_at_a_few_in_a_round_and_only_where_there_is_more_than_before(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.worker(23)
    jobs = [fleet.submit("405B") for _ in range(5)]
    fleet.rounds()
    monkeypatch.setattr("worker.dispatcher.placement._PER_ROUND", 2)

    def versions() -> set[str]:
        with fleet.database.begin() as session:
            return set(session.scalars(select(cast(literal_column("xmin"), Text)).select_from(Job)))

    before = versions()
    fleet.worker(22.5, "another of 24 GB")
    fleet.rounds()
    fleet.gone("another of 24 GB")
    fleet.rounds()
    assert versions() == before, "no row was written"
    fleet.worker(79)
    placed = []
    for _ in range(4):
        assert fleet.dispatcher.round()
        placed.append([fleet.class_of(job_id) for job_id in jobs].count("gpu.80g"))
    assert placed == [2, 4, 5, 5]


def test_the_stated_time_goes_on_while_dispatchers_are_restarted(fleet: Fleet) -> None:
    for size in (23, 79):
        fleet.worker(size)
    large = fleet.submit("405B")
    fleet.rounds()
    fleet.silent("gpu.80g", 59)  # of 60
    fleet.restart()
    fleet.rounds()
    assert fleet.class_of(large) == "gpu.80g", "the database may have been away, and live workers silent"
    rounds = 0
    while fleet.job(large).placement == PlacementState.PLACED:
        fleet.rounds()
        rounds += 1
    assert 2 <= rounds <= 4, "a lease of 30 s, of about 10 s each; the whole time takes 6"
    assert "class gpu.24g is nearest" in str(fleet.reason(large).shortage)


def test_jobs_leave_a_class_without_a_worker_after_the_stated_time(fleet: Fleet) -> None:
    for size in (23, 79):
        fleet.worker(size)
    modest = fleet.submit("tiny", {"gpus": 1})
    fleet.rounds()
    fleet.gone("gpu.24g")
    large = fleet.submit("405B")
    fleet.rounds()
    for _ in range(3):  # of about 10 s each
        fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (modest, large)] == ["gpu.24g", "gpu.80g"]
    for _ in range(5):
        fleet.rounds()
    assert fleet.class_of(modest) == "gpu.80g"
    assert fleet.told(modest) == ["the job goes from class gpu.24g to class gpu.80g"]
    fleet.worker(23)
    fleet.gone("gpu.80g")
    for _ in range(9):
        fleet.rounds()
    assert [fleet.job(job_id).placement for job_id in (modest, large)] == [
        *(PlacementState.PLACED, PlacementState.UNSCHEDULABLE)
    ]
    assert "class gpu.24g is nearest" in str(fleet.reason(large).shortage)
    fleet.worker(79)
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (modest, large)] == ["gpu.24g", "gpu.80g"]
    # While no worker is connected at all, nothing says where the job should go.
    for name in ("gpu.24g", "gpu.80g"):
        fleet.gone(name)
    for _ in range(9):
        fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (modest, large)] == ["gpu.24g", "gpu.80g"]


def test_jobs_that_went_to_a_larger_class_return_once_there_is_theirs_again(fleet: Fleet) -> None:
    for size in (23, 79):
        fleet.worker(size)
    modest = [fleet.submit("tiny", {"gpus": 1}) for _ in range(4)]
    fleet.rounds()
    with fleet.database.begin() as session:
        steering.cordon(session, "gpu.24g")
    for _ in range(10):  # of about 10 s each
        fleet.rounds()
    assert {fleet.class_of(job_id) for job_id in modest} == {"gpu.80g"}
    has_run = modest[3]
    with fleet.database.begin() as session:
        session.execute(update(Job).where(Job.id == has_run).values(attempt=1))
        steering.uncordon(session, "gpu.24g")
    fleet.rounds()
    stay = [job_id for job_id in modest if fleet.job(job_id).queue == "gpu.80g"]
    assert stay == [modest[1], has_run], "a worker is about to take the one that was lent, the other has run"


@pytest.mark.parametrize("order", ["cordon", "quarantine", "drain"])
def test_jobs_leave_a_class_whose_workers_take_none_if_they_fit_another(fleet: Fleet, order: str) -> None:
    for size in (23, 79):
        fleet.worker(size)
    modest, has_run, large = *(fleet.submit("tiny", {"gpus": 1}) for _ in range(2)), fleet.submit("405B")
    fleet.rounds()
    attempt = fleet.claim(has_run, "gpu.24g")
    with fleet.database.begin() as session:
        if order == "quarantine":
            named = update(Worker).where(Worker.name == "gpu.24g")
            session.execute(named.values(quarantined_at=func.now(), fault="broken"))
        else:
            getattr(steering, order)(session, "gpu.24g")
        shard = StoredFile(key="shard", size=1, sha256="00" * 32)
        assert finished_blocks.keep(session, attempt, "prune", 0, shard, {"device": "cuda:0"})
    for _ in range(9 if order == "drain" else 0):  # it runs its last job, and another worker follows it
        fleet.rounds()
    with fleet.database.begin() as session:
        assert lifecycle.hand_back(session, attempt, "the worker is shutting down")
    for _ in range(2):  # of about 10 s each
        fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (modest, has_run)] == ["gpu.24g"] * 2
    for _ in range(7):
        fleet.rounds()
    later = fleet.submit("tiny", {"gpus": 1})
    fleet.rounds()
    assert [fleet.class_of(job_id) for job_id in (modest, has_run)] == ["gpu.80g"] * 2
    assert fleet.class_of(later) == "gpu.80g"
    with fleet.database.begin() as session:
        steering.cordon(session, "gpu.80g")
    for _ in range(9):
        fleet.rounds()
    # What fits nothing else waits for its class, and says so.
    assert fleet.class_of(large) == "gpu.80g"
    assert fleet.reason(large).reason == waiting.WaitsFor.UNCORDONED_WORKER


def test_what_a_dispatcher_that_died_held_for_unschedulable_is_looked_at_again_after_a_minute(
    fleet: Fleet,
) -> None:
    for size in (23, 79):
        fleet.worker(size)
    job_id = fleet.submit("405B")
    fleet.rounds()
    with fleet.database.begin() as session:
        had = {"gpu.24g": placing.live_classes(session, 30)["gpu.24g"]}
        session.execute(update(Job).where(Job.id == job_id).values(placement=PlacementState.SIZED))
        placing.place_sized(session, had, 10)  # one that has not seen the larger worker, and never will
    assert fleet.job(job_id).placement == PlacementState.UNSCHEDULABLE
    for _ in range(8):  # of about 10 s each
        fleet.rounds()
    assert fleet.class_of(job_id) == "gpu.80g"


def test_the_last_unschedulable_job_is_reached_although_ever_more_workers_come(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.worker(23)
    # The others need what no worker here has.
    jobs = [fleet.submit("405B", {"device_memory_bytes": 300 * GIB}) for _ in range(5)]
    last = fleet.submit("405B")
    fleet.rounds()
    monkeypatch.setattr("worker.dispatcher.placement._PER_ROUND", 2)
    for more in range(4):
        fleet.worker(79 + more / 2)
        fleet.rounds()
    assert fleet.class_of(last) == "gpu.80g"
    assert {fleet.job(job_id).placement for job_id in jobs} == {PlacementState.UNSCHEDULABLE}
