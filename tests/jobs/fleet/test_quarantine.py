"""Three faults in a row quarantine a worker; and a job prefers a worker that has not failed it."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, machines, quarantine
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.states import Cause, JobState, Outcome
from jobs.tables import Job, JobAttempt, Worker
from pruning.estimate import ASSUMED

Database = sessionmaker[Session]
Submit = Callable[[], UUID]

BROKEN = JobError(type="worker", message="its disk is broken", cause=Cause.WORKER)


def seen(database: Database, *workers: str) -> list[bool]:
    with database.begin() as session:
        return [dispatch_queue.worker_seen(session, worker, "prune").quarantined for worker in workers]


def fail(database: Database, job_id: UUID, worker: str, bound: int = 6) -> tuple[JobState, bool]:
    """Run the job on a worker that fails it. Return the job's state, and whether that quarantined it."""
    with database.begin() as session:
        claim = lifecycle.claim(session, job_id, worker, 30)
        assert claim is not None
        quarantined = quarantine.count_fault(session, worker, job_id, BROKEN.message)
        assert lifecycle.requeue_after_fault(session, claim, BROKEN, bound)
        return session.get_one(Job, job_id).state, quarantined


def leaves(database: Database, worker: str, job_id: UUID) -> bool:
    with database.begin() as session:
        return quarantine.leaves_to_another(session, worker, job_id, 30)


def test_the_third_fault_in_a_row_quarantines(database: Database, submit: Submit) -> None:
    seen(database, "sick")
    assert [fail(database, submit(), "sick")[1] for _ in range(3)] == [False, False, True]
    assert seen(database, "sick", "well") == [True, False]
    with database.begin() as session:
        assert quarantine.standing(session, "sick") == quarantine.Standing(True, BROKEN.message)
        assert dispatch_queue.idle_in(dispatch_queue.idle_workers(session, 30), "prune").total() == 1


def test_a_succeeded_job_ends_the_row_of_faults(database: Database, submit: Submit) -> None:
    for _ in range(2):
        fail(database, submit(), "sick")
    with database.begin() as session:
        quarantine.succeeded(session, "sick")
    assert [fail(database, submit(), "sick")[1] for _ in range(3)] == [False, False, True]


def test_a_success_does_not_end_a_quarantine_but_a_release_does(database: Database, submit: Submit) -> None:
    for _ in range(3):
        fail(database, submit(), "sick")
    with database.begin() as session:
        quarantine.succeeded(session, "sick")
    assert seen(database, "sick") == [True]
    with database.begin() as session:
        quarantine.release(session, "sick")
    assert seen(database, "sick") == [False]
    assert fail(database, submit(), "sick")[1] is False


@pytest.mark.threat
def test_an_attempt_on_a_faulty_worker_is_not_lost_and_the_job_ends_at_the_bound(
    database: Database, submit: Submit
) -> None:
    job_id = submit()
    assert [fail(database, job_id, "sick", 3)[0] for _ in range(3)] == ["queued", "queued", "failed"]
    with database.begin() as session:
        job = session.get_one(Job, job_id)
        outcomes = [session.get_one(JobAttempt, (job_id, n)).outcome for n in (1, 2, 3)]
    assert outcomes == [Outcome.WORKER_FAULT, Outcome.WORKER_FAULT, Outcome.FAILED]
    assert job.lost_attempts == 0
    assert job.error == {
        "type": "worker",
        "message": "3 attempts failed through faults of workers; the last: its disk is broken",
        "cause": "worker",
    }


def test_a_retry_begins_the_count_again(database: Database, submit: Submit) -> None:
    job_id = submit()
    for _ in range(2):
        fail(database, job_id, "sick", 2)
    with database.begin() as session:
        assert owner_moves.retry(session, "ada", job_id)
    assert fail(database, job_id, "sick", 2)[0] == JobState.QUEUED


def test_a_job_waits_a_minute_for_another_live_worker(database: Database, submit: Submit) -> None:
    job_id, other_job = submit(), submit()
    seen(database, "sick")
    fail(database, job_id, "sick")
    assert not leaves(database, "sick", job_id), "there is no other worker"
    seen(database, "well")
    assert leaves(database, "sick", job_id)
    assert not leaves(database, "sick", other_job)
    assert not leaves(database, "well", job_id)
    with database.begin() as session:
        session.execute(update(JobAttempt).values(ended_at=text("clock_timestamp() - interval '61 seconds'")))
    assert not leaves(database, "sick", job_id), "it has waited long enough"


def test_it_does_not_wait_for_a_worker_that_is_gone_or_quarantined(
    database: Database, submit: Submit
) -> None:
    job_id = submit()
    seen(database, "sick", "other")
    fail(database, job_id, "sick")
    with database.begin() as session:
        quarantine.quarantine(session, "other", "prune", "no device")
    assert not leaves(database, "sick", job_id)
    with database.begin() as session:
        quarantine.release(session, "other")
        session.execute(
            update(Worker)
            .where(Worker.name == "other")
            .values(seen_at=text("clock_timestamp() - interval '31 seconds'"))
        )
    assert not leaves(database, "sick", job_id)


def test_a_quarantined_worker_leaves_every_job_and_its_message_is_published_again(
    database: Database, submit: Submit
) -> None:
    job_id = submit()
    with database.begin() as session:
        dispatch_queue.mark_dispatched(session, [job_id])
        quarantine.quarantine(session, "sick", "prune", "no device")
    assert leaves(database, "sick", job_id)
    with database.begin() as session:
        assert dispatch_queue.take_undispatched(session, "prune", 5) == []
        quarantine.put_back(session, job_id)
        assert dispatch_queue.take_undispatched(session, "prune", 5) == [job_id]


@pytest.mark.parametrize("leaves", ["quarantined_at", "cordoned_at"])
def test_the_machine_of_a_worker_that_takes_no_jobs_is_no_measure(database: Database, leaves: str) -> None:
    slow = ASSUMED.model_copy(update={"device": "slow", "operations_per_second": {"float32": 1.0}})
    with database.begin() as session:
        machines.measured(session, "sick", "prune", slow)
        assert machines.live(session, 30) == [slow]
        session.execute(update(Worker).values({leaves: datetime.now(UTC)}))
        assert machines.live(session, 30) == []
