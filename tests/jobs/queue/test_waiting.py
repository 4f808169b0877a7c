"""Why a queued job waits, from the rows of workers, schedulers and other jobs."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.orm import Session

from api.schemas.jobs import Waiting
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.queue import conditions, waiting, workers
from jobs.queue.waiting import Wait, Waits, WaitsFor
from jobs.spec.job import JobSpec
from jobs.tables import NOW, Job, OwnerShare, Scheduler, Worker
from tests.jobs.queue.fleet import GPU_24G, GPU_80G, LARGE, LONG, claim, claim_one, register, submit

LONG_AGO = text("clock_timestamp() - interval '31 seconds'")


@pytest.fixture
def fleet(database: Database) -> None:
    """A worker and a scheduler that are alive."""
    with database.begin() as session:
        register(session, "well")
        workers.record_scheduler_heartbeat(session, "scheduler")


def waits(session: Session, job_ids: Sequence[UUID]) -> list[Wait | None]:
    session.expire_all()
    jobs = [session.get_one(Job, job_id) for job_id in job_ids]
    found = Waits(30).of(session, jobs)
    return [found.get(job_id) for job_id in job_ids]


def turn(position: int | None, queue: str = "cpu") -> Wait:
    return Wait(WaitsFor.ITS_TURN, queue, position)


BEYOND = Wait(WaitsFor.ITS_TURN, "cpu", is_beyond=True)


def test_without_a_live_worker_a_job_waits_for_one(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        job_id = submit(session, spec)
        assert waits(session, [job_id]) == [Wait(WaitsFor.WORKER)]
        register(session, "silent")
        session.execute(update(Worker).values(seen_at=LONG_AGO))
        assert waits(session, [job_id]) == [Wait(WaitsFor.WORKER)]
        conditions.quarantine(session, "new", "no disk")
        assert waits(session, [job_id]) == [Wait(WaitsFor.QUARANTINED, faults=("no disk",))]


def test_a_job_that_fits_no_live_worker_says_what_it_lacks(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        job_id = submit(session, spec, needs=LARGE)
        [wait] = waits(session, [job_id])
        assert wait is not None
        assert wait.reason == WaitsFor.UNSCHEDULABLE
        assert wait.shortage is not None
        assert "60.0 GB of host memory (it has 16.0 GB of host memory)" in wait.shortage
        register(session, "gpu", "gpu.80g", GPU_80G)
        assert waits(session, [job_id]) == [turn(1, "gpu.80g")]


def test_with_all_workers_quarantined_the_most_frequent_faults_are_named(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        job_id = submit(session, spec)
        for number, fault in enumerate(("no disk", "no GPU", "no GPU", "a", "b", "c")):
            register(session, f"sick {number}")
            conditions.quarantine(session, f"sick {number}", fault)
        assert waits(session, [job_id]) == [turn(1)]
        conditions.quarantine(session, "well", "no disk")
        [wait] = waits(session, [job_id])
        assert wait is not None
        assert wait.reason == WaitsFor.QUARANTINED
        assert set(wait.faults[:2]) == {"no GPU", "no disk"}
        assert len(wait.faults) == 3


def test_operators_who_hold_workers_or_queues_back_are_the_reason(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        job_id = submit(session, spec)
        conditions.pause(session, "cpu", "root")
        assert waits(session, [job_id]) == [Wait(WaitsFor.PAUSED, "cpu")]
        conditions.resume(session, "cpu")
        conditions.cordon(session, "well")
        assert waits(session, [job_id]) == [Wait(WaitsFor.CORDONED, "cpu")]
        register(session, "gpu", "gpu.24g", GPU_24G)
        assert waits(session, [job_id]) == [turn(1)], "a larger worker runs it as well"


def test_without_a_scheduler_no_worker_is_woken(database: Database, spec: JobSpec, fleet: None) -> None:
    with database.begin() as session:
        job_id = submit(session, spec)
        session.execute(update(Scheduler).values(seen_at=LONG_AGO))
        assert waits(session, [job_id]) == [Wait(WaitsFor.SCHEDULER)]


def test_jobs_wait_for_the_broker_since_the_last_scheduler_lost_it(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    def beat(name: str, *, reaches_broker: bool) -> None:
        with database.begin() as session:
            workers.record_scheduler_heartbeat(session, name, reaches_broker=reaches_broker)

    def wait() -> Wait | None:
        with database.begin() as session:
            return waits(session, [job_id])[0]

    with database.begin() as session:
        job_id = submit(session, spec)
    beat("other", reaches_broker=False)
    assert wait() == turn(1)
    beat("scheduler", reaches_broker=False)
    with database.begin() as session:
        since = session.get_one(Scheduler, "scheduler").broker_away_since
    beat("scheduler", reaches_broker=False)
    assert since is not None
    assert wait() == Wait(WaitsFor.BROKER, since=since)
    beat("other", reaches_broker=True)
    assert wait() == turn(1)
    with database.begin() as session:
        session.execute(update(Scheduler).where(Scheduler.name == "other").values(seen_at=LONG_AGO))
    assert wait() == Wait(WaitsFor.BROKER, since=since)
    with database.begin() as session:
        session.execute(delete(Worker))
    assert wait() == Wait(WaitsFor.BROKER, since=since), "without a broker no worker registers"


def test_positions_are_those_of_the_next_claims_of_all_owners(
    database: Database, spec: JobSpec, fleet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MAX_POSITION", 4)
    with database.begin() as session:
        owners = ("ada", "eve", "ada", "eve", "ada", "ada")
        ids = [submit(session, spec, owner) for owner in owners]
        assert claim(session, "well") is not None
        # Ada has one that runs, so the next two turns are Eve's.
        assert waits(session, ids) == [None, turn(1), turn(3), turn(2), turn(4), BEYOND]


def test_a_job_that_went_back_to_the_queue_keeps_its_place(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        first, second = submit(session, spec), submit(session, spec)
        found = claim_one(session, "well")
        assert lifecycle.hand_back(session, found, "it shuts down")
        assert waits(session, [first, second]) == [turn(1), turn(2)]


def test_a_job_that_waits_for_anothers_gradients_takes_no_place_and_names_it(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        computing = submit(session, spec)
        blocked, other = submit(session, spec, blocked_on=computing), submit(session, spec)
        found = claim_one(session, "well")
        assert waits(session, [blocked, other]) == [Wait(WaitsFor.ANOTHER_JOB, job_id=computing), turn(1)]
        assert lifecycle.hand_back(session, found, "it shuts down")
        assert waits(session, [blocked, other]) == [Wait(WaitsFor.ANOTHER_JOB, job_id=computing), turn(2)]
        long_ago = NOW - timedelta(minutes=16)
        session.execute(update(Job).where(Job.id == computing).values(queued_at=long_ago))
        assert waits(session, [blocked, other]) == [turn(2), turn(3)]


def test_a_job_of_unknown_size_waits_for_its_checks(database: Database, spec: JobSpec, fleet: None) -> None:
    with database.begin() as session:
        unsized, other = owner_moves.create(session, "ada", spec).id, submit(session, spec)
        assert waits(session, [unsized, other]) == [Wait(WaitsFor.CHECKS), turn(1)]


@pytest.mark.parametrize(("kind", "reason"), [("unreachable", WaitsFor.HUB), ("store", WaitsFor.STORE)])
def test_a_job_waiting_for_the_hub_or_the_store_has_no_position_before_its_next_try(
    database: Database, spec: JobSpec, fleet: None, kind: str, reason: WaitsFor
) -> None:
    with database.begin() as session:
        tried, other = submit(session, spec), submit(session, spec)
        found = claim_one(session, "well")
        error = JobError(type=kind, message="it did not answer")
        assert lifecycle.requeue_while_unreachable(session, found, error, 3600.0)
        assert waits(session, [tried, other]) == [Wait(reason), turn(1)]


def test_a_job_of_an_owner_that_runs_as_many_as_allowed_waits_for_these(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        session.add(OwnerShare(owner="ada", max_running=1))
        ids = [submit(session, spec, owner) for owner in ("ada", "ada", "eve")]
        assert claim(session, "well") is not None
        assert waits(session, ids[1:]) == [Wait(WaitsFor.OWN_JOBS, "cpu", running=1), turn(1)]


def test_a_job_is_behind_a_full_line_only_where_there_is_one(
    database: Database, spec: JobSpec, fleet: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.begin() as session:
        session.add(OwnerShare(owner="ada", max_running=2))
        ids = [submit(session, spec) for _ in range(4)]
        assert claim(session, "well") is not None
        assert waits(session, ids[1:]) == [turn(1), turn(None), turn(None)]
        monkeypatch.setattr(waiting, "MAX_POSITION", 1)
        assert waits(session, ids[2:3]) == [BEYOND]
        job = session.get_one(Job, ids[2])
        messages = [Waiting.of(job, wait, with_faults=False).message for wait in (turn(None), BEYOND)]
        assert messages == ["it is not in line yet", "behind more than 100 others in the queue"]


def test_a_long_job_waits_for_a_gpu_while_one_is_alive(
    database: Database, spec: JobSpec, fleet: None
) -> None:
    with database.begin() as session:
        job_id = submit(session, spec, needs=LONG)
        assert waits(session, [job_id]) == [turn(1)]
        register(session, "gpu", "gpu.24g", GPU_24G)
        conditions.cordon(session, "gpu")
        assert waits(session, [job_id]) == [Wait(WaitsFor.CORDONED, "gpu.24g")]
        workers.delete_worker(session, "gpu")
        assert waits(session, [job_id]) == [turn(1)]


def test_the_queue_is_read_once_a_second(database: Database, spec: JobSpec, fleet: None) -> None:
    now = 100.0
    known = Waits(30, lambda: now)

    def wait(session: Session, job_id: UUID) -> Wait:
        return known.of(session, [session.get_one(Job, job_id)])[job_id]

    with database.begin() as session:
        first = submit(session, spec)
        assert wait(session, first) == turn(1)
    with database.begin() as session:
        second = submit(session, spec)
        assert wait(session, second) == Wait(WaitsFor.ITS_TURN, "cpu", None, is_new=True)
        now += 1.0
        assert wait(session, second) == turn(2)
        conditions.pause(session, "cpu", "root")
        assert wait(session, second) == turn(2)
        now += 1.0
        assert wait(session, second) == Wait(WaitsFor.PAUSED, "cpu")
