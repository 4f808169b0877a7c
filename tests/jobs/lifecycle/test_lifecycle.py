"""The state machine on a real database: every move is guarded."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, event, select, text, update
from sqlalchemy.orm import Session

from jobs import queries
from jobs.database import Database
from jobs.lifecycle import events, lifecycle, owner_moves
from jobs.lifecycle.events import EventData, JobError, LogMessage, StageStarted, StepFinished
from jobs.lifecycle.lifecycle import Claim
from jobs.lifecycle.owner_moves import Conflict
from jobs.monitoring import metrics
from jobs.monitoring.catalogue import LOST_ATTEMPTS
from jobs.queue import shares
from jobs.spec.job import JobSpec
from jobs.states import TRANSITIONS, JobState
from jobs.sweeps import sweeps
from jobs.tables import Artifact, Job, JobAttempt, Lease, RecentUse
from pruning.recipe import Stage
from tests.claims import claimed, job, take
from tests.conftest import Submit
from tests.eventually import eventually, waiting_for_locks
from tests.jobs.lifecycle.rows import ARTIFACT, REPORT


def cancel(database: Database, job_id: UUID, owner: str = "ada") -> bool:
    with database.begin() as session:
        return owner_moves.cancel(session, owner, job_id)


def take_back(database: Database, claim: Claim) -> JobState | None:
    with database.begin() as session:
        return lifecycle.take_back(session, claim.job_id, claim.lease_token, "gone", 3)


def recorded(database: Database, job_id: UUID) -> list[tuple[int, EventData]]:
    with database.begin() as session:
        return [(event.id, event.data) for event in events.events_since(session, job_id, 0)]


def finished_step(claim: Claim, step: int) -> StepFinished:
    return StepFinished(attempt=claim.attempt, stage=Stage.PRUNE, step=step, steps=9, seconds_left=9.0)


def test_many_claims_at_once_take_a_job_once(database: Database, submit: Submit) -> None:
    job_id = submit()

    def claim(worker: str) -> Claim | None:
        with database.begin() as session:
            return lifecycle.claim(session, job_id, worker, 30)

    with ThreadPoolExecutor(8) as pool:
        claims = [claim for claim in pool.map(claim, map(str, range(8))) if claim is not None]
    assert len(claims) == 1
    assert job(database, job_id).attempt == 1


def test_a_spec_that_is_not_valid_any_more_can_be_claimed_and_failed(
    database: Database, submit: Submit
) -> None:
    job_id = submit()
    with database.begin() as session:
        session.execute(update(Job).values(spec={"recipe": {"model": "org/name", "method": "forgotten"}}))
    claim = take(database, job_id)
    with pytest.raises(ValidationError):
        _ = claim.spec
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="not valid"))


def test_progress_is_an_event_and_columns(database: Database, submit: Submit) -> None:
    claim = take(database, submit())
    with database.begin() as session:
        assert lifecycle.record(session, claim, StageStarted(attempt=1, stage=Stage.PRUNE, steps=9))
    running = job(database, claim.job_id)
    assert (running.stage, running.step, running.steps, running.seconds_left) == ("prune", 0, 9, None)
    with database.begin() as session:
        assert lifecycle.record(session, claim, finished_step(claim, 3))
    running = job(database, claim.job_id)
    assert (running.stage, running.step, running.steps, running.seconds_left) == ("prune", 3, 9, 9.0)
    assert recorded(database, claim.job_id)[-1] == (4, finished_step(claim, 3))
    with database.begin() as session:
        assert lifecycle.record(session, claim, StageStarted(attempt=1, stage=Stage.EVALUATE, steps=2))
    running = job(database, claim.job_id)
    estimate = "until the next stage estimates its own"
    assert (running.stage, running.step, running.steps, running.seconds_left) == ("evaluate", 0, 2, 9.0), (
        estimate
    )


def test_event_ids_have_no_gaps_and_no_duplicates_under_concurrency(
    database: Database, submit: Submit
) -> None:
    claim = take(database, submit())

    def record(number: int) -> bool:
        with database.begin() as session:
            return lifecycle.record(session, claim, LogMessage(message=str(number)))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(record, range(40)))
    assert [event[0] for event in recorded(database, claim.job_id)] == list(range(1, 43))


def test_a_queued_job_is_cancelled_at_once(database: Database, submit: Submit) -> None:
    job_id = submit()
    assert cancel(database, job_id)
    assert job(database, job_id).state == JobState.CANCELLED
    with database.begin() as session:
        assert lifecycle.claim(session, job_id, "w1", 30) is None


def test_a_running_job_is_asked_to_stop_and_cannot_succeed(database: Database, submit: Submit) -> None:
    claim = take(database, submit())
    assert cancel(database, claim.job_id)
    assert cancel(database, claim.job_id), "asking twice is no error"
    with database.begin() as session:
        assert lifecycle.extend_lease(session, claim, 30) == JobState.CANCELLING
        assert not lifecycle.record(session, claim, LogMessage(message="late"))
        assert not lifecycle.succeed(session, claim, REPORT, [ARTIFACT])
        assert not lifecycle.fail(session, claim, JobError(type="internal", message="too late"))
        assert not lifecycle.hand_back(session, claim, "too late")
        assert lifecycle.finish_cancelling(session, claim)
    assert job(database, claim.job_id).state == JobState.CANCELLED
    with database.begin() as session:
        assert session.scalars(select(Artifact)).all() == []


def test_another_owners_job_does_not_exist(database: Database, submit: Submit) -> None:
    job_id = submit()
    assert not cancel(database, job_id, owner="bob")
    assert not cancel(database, uuid4())
    assert job(database, job_id).state == JobState.QUEUED


def test_an_expired_lease_cannot_be_extended(database: Database, submit: Submit) -> None:
    claim = take(database, submit())
    with database.begin() as session:
        session.execute(update(Lease).values(expires_at=text("now() - interval '1 second'")))
        assert lifecycle.extend_lease(session, claim, 30) is None


@pytest.mark.parametrize("is_taken_back", [True, False])
def test_what_follows_the_end_of_a_lease_is_no_time_on_a_worker(
    database: Database, submit: Submit, is_taken_back: bool
) -> None:
    """As where the machine or the database was away for the night, or a backup is restored."""
    claim = take(database, submit())

    def used() -> tuple[dict[UUID, float], float]:
        with database.begin() as session:
            seconds = queries.seconds_on_workers(session, [claim.job_id])
            return seconds, shares.usage_of(session, "ada", 1).cpu_seconds

    with database.begin() as session:
        session.execute(update(JobAttempt).values(started_at=text("now() - interval '9 hours'")))
        session.execute(update(Lease).values(expires_at=text("now() - interval '8 hours'")))
    assert used() == ({claim.job_id: 3600.0}, 3600.0)
    if is_taken_back:
        assert take_back(database, claim) == JobState.QUEUED
    else:
        with database.begin() as session:
            assert lifecycle.hand_back(session, claim, "its worker is back first")
    assert used() == ({claim.job_id: 3600.0}, 3600.0)
    with database.begin() as session:
        assert session.scalars(select(RecentUse.seconds)).one() == 3600.0


def test_only_failed_and_cancelled_jobs_can_be_retried(database: Database, submit: Submit) -> None:
    queued, running, cancelling, cancelled = (submit() for _ in range(4))
    for job_id in (running, cancelling):
        take(database, job_id)
    for job_id in (cancelling, cancelled):
        cancel(database, job_id)
    for job_id, state in (
        (queued, JobState.QUEUED),
        (running, JobState.RUNNING),
        (cancelling, JobState.CANCELLING),
    ):
        with database.begin() as session, pytest.raises(Conflict) as conflict:
            owner_moves.retry(session, "ada", job_id)
        assert conflict.value.state == state
    with database.begin() as session:
        assert owner_moves.retry(session, "ada", cancelled)


def test_the_last_place_in_an_owners_queue_is_given_once(database: Database, spec: JobSpec) -> None:
    def submit_one(number: int) -> bool:
        try:
            with database.begin() as session:
                owner_moves.create(session, "ada", spec, max_queued=3)
        except owner_moves.QueueFull:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(submit_one, range(8))) == 3
    with database.begin() as session:
        owner_moves.create(session, "bob", spec, max_queued=3)
        failed = session.scalars(select(Job.id).where(Job.owner == "ada").limit(1)).one()
        assert owner_moves.cancel(session, "ada", failed)
        owner_moves.create(session, "ada", spec, max_queued=3)
    with database.begin() as session, pytest.raises(owner_moves.QueueFull) as full:
        owner_moves.retry(session, "ada", failed, max_queued=3)
    assert (full.value.queued, full.value.allowed) == (3, 3)
    assert str(full.value) == "3 jobs are queued, and 3 are allowed"


def test_two_sweeps_do_not_share_the_last_places(database: Database, spec: JobSpec) -> None:
    def submit_two(session: Session) -> None:
        sweeps.create(session, "ada", {}, [spec, spec], {}, max_queued=3)

    def submit_late() -> None:
        with database.begin() as session:
            submit_two(session)

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as first:
            submit_two(first)
            second = pool.submit(submit_late)
            eventually(lambda: waiting_for_locks(database))
        with pytest.raises(owner_moves.QueueFull) as full:
            second.result()
    assert (full.value.queued, full.value.new, full.value.allowed) == (2, 2, 3)


@pytest.mark.threat
def test_a_sweep_without_room_writes_nothing_and_waits_for_no_lock(
    database: Database, engine: Engine, spec: JobSpec
) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *execution: statements.append(execution[2]))
    with database.begin() as session, pytest.raises(owner_moves.QueueFull) as full:
        sweeps.create(session, "ada", {}, [spec, spec], {}, max_queued=1)
    assert (full.value.queued, full.value.new, full.value.allowed) == (0, 2, 1)
    assert statements
    assert not [sql for sql in statements if "INSERT" in sql or "pg_advisory" in sql]


def test_an_attempt_that_is_lost_twice_counts_once(database: Database, submit: Submit) -> None:
    claim = take(database, submit())

    def give_up(_: int) -> JobState | None:
        return take_back(database, claim)

    counted = list[tuple[str, object]]()
    metrics.record_into(lambda name, value, labels: counted.append((name, labels)))
    try:
        with ThreadPoolExecutor(4) as pool:
            assert [state for state in pool.map(give_up, range(4)) if state] == [JobState.QUEUED]
    finally:
        metrics.record_into(None)
    assert job(database, claim.job_id).lost_attempts == 1
    assert [labels for name, labels in counted if name == LOST_ATTEMPTS.name] == [{"kind": "lost_worker"}]


def test_losses_of_whole_workers_are_not_counted_as_the_jobs_but_end_it_at_last(
    database: Database, claim: Claim
) -> None:
    """The first of three attempts was lost by the job itself; all are lost for some reason."""

    def lose(most: int, *, of_the_job: bool) -> tuple[JobState | None, int]:
        with database.begin() as session:
            held = session.get_one(Job, claim.job_id)
            if held.state == JobState.QUEUED:
                token = claimed(session, claim.job_id).lease_token
            else:
                token = claim.lease_token
            state = lifecycle.take_back(session, claim.job_id, token, "gone", most, of_the_job=of_the_job)
        return state, job(database, claim.job_id).lost_attempts

    assert lose(3, of_the_job=False) == (JobState.QUEUED, 1)
    assert lose(3, of_the_job=True) == (JobState.QUEUED, 2)
    assert lose(4, of_the_job=False) == (JobState.FAILED, 2)
    error = job(database, claim.job_id).error
    assert error is not None
    assert error["message"] == "lost 4 times in a row without a new finished block; last: gone"


def test_nothing_leaves_success_and_cancelling_never_becomes_it() -> None:
    assert not TRANSITIONS[JobState.SUCCEEDED]
    assert TRANSITIONS[JobState.CANCELLING] == {JobState.CANCELLED}
