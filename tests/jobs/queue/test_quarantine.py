"""Three faults in a row quarantine a worker."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import update

from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.queue import conditions, workers
from jobs.states import Cause, JobState, Outcome
from jobs.storage.store import StoredFile
from jobs.tables import Job, JobAttempt, Worker
from pruning.estimate import ASSUMED
from tests.claims import claimed
from tests.conftest import Submit

BROKEN = JobError(type="worker", message="its disk is broken", cause=Cause.WORKER)


def seen(database: Database, *names: str) -> list[bool]:
    with database.begin() as session:
        return [workers.record_worker_heartbeat(session, worker, "cpu").quarantined for worker in names]


def fail(database: Database, job_id: UUID, worker: str, bound: int = 6) -> tuple[JobState, bool]:
    """Run the job on a worker that fails it. Return the job's state, and whether that quarantined it."""
    with database.begin() as session:
        claim = claimed(session, job_id, worker)
        quarantined = conditions.record_fault(session, worker, BROKEN.message)
        assert lifecycle.requeue_after_fault(session, claim, BROKEN, bound)
        return session.get_one(Job, job_id).state, quarantined


def test_the_third_fault_in_a_row_quarantines(database: Database, submit: Submit) -> None:
    seen(database, "sick")
    assert [fail(database, submit(), "sick")[1] for _ in range(3)] == [False, False, True]
    assert seen(database, "sick", "well") == [True, False]
    with database.begin() as session:
        assert session.get_one(Worker, "sick").fault == BROKEN.message


def test_a_succeeded_job_ends_the_row_of_faults(database: Database, submit: Submit) -> None:
    for _ in range(2):
        fail(database, submit(), "sick")
    with database.begin() as session:
        conditions.clear_faults(session, "sick")
    assert [fail(database, submit(), "sick")[1] for _ in range(3)] == [False, False, True]


def test_a_success_does_not_end_a_quarantine_but_a_release_does(database: Database, submit: Submit) -> None:
    for _ in range(3):
        fail(database, submit(), "sick")
    with database.begin() as session:
        conditions.clear_faults(session, "sick")
    assert seen(database, "sick") == [True]
    with database.begin() as session:
        conditions.release(session, "sick")
    assert seen(database, "sick") == [False]


def test_after_a_release_one_more_fault_quarantines_until_a_job_has_succeeded(
    database: Database, submit: Submit
) -> None:
    """The self-test does not find what is wrong: the worker must not end the jobs of others meanwhile."""
    for _ in range(3):
        fail(database, submit(), "sick")
    for _ in range(2):
        with database.begin() as session:
            conditions.release(session, "sick")
        assert fail(database, submit(), "sick")[1]
    with database.begin() as session:
        conditions.release(session, "sick")
        conditions.clear_faults(session, "sick")
    assert [fail(database, submit(), "sick")[1] for _ in range(3)] == [False, False, True]


@pytest.mark.threat
def test_attempts_on_faulty_workers_are_not_lost_up_to_the_limit(database: Database, submit: Submit) -> None:
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


def test_faults_of_workers_count_since_the_last_block(database: Database, submit: Submit) -> None:
    job_id = submit()
    assert [fail(database, job_id, "sick", 3)[0] for _ in range(2)] == ["queued", "queued"]
    with database.begin() as session:
        claim = claimed(session, job_id, "sick")
        shard = StoredFile("a/key", 3, "ab" * 32)
        assert attempt_files.record_block(session, claim, "prune", 0, shard, {})
        assert lifecycle.requeue_after_fault(session, claim, BROKEN, 3)
        assert session.get_one(Job, job_id).state == JobState.QUEUED
    assert [fail(database, job_id, "sick", 3)[0] for _ in range(2)] == ["queued", "failed"]


def test_a_retry_begins_the_count_again(database: Database, submit: Submit) -> None:
    job_id = submit()
    for _ in range(2):
        fail(database, job_id, "sick", 2)
    with database.begin() as session:
        assert owner_moves.retry(session, "ada", job_id)
    assert fail(database, job_id, "sick", 2)[0] == JobState.QUEUED


@pytest.mark.parametrize("leaves", ["quarantined_at", "cordoned_at"])
def test_the_machine_of_a_worker_that_takes_no_jobs_is_no_measure(database: Database, leaves: str) -> None:
    slow = ASSUMED.model_copy(update={"device": "slow", "operations_per_second": {"float32": 1.0}})
    with database.begin() as session:
        workers.record_machine(session, "sick", slow)
        assert workers.live_machines(session, 30) == [slow]
        session.execute(update(Worker).values({leaves: datetime.now(UTC)}))
        assert workers.live_machines(session, 30) == []
