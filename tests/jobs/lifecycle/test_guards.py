"""What a move must not touch, must not forget and must refuse: a test for each guard and each by-product."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.lifecycle import events, lifecycle, owner_moves
from jobs.lifecycle.events import JobError, LogMessage, StateChanged
from jobs.lifecycle.lifecycle import Claim
from jobs.lifecycle.owner_moves import Conflict
from jobs.lifecycle.transitions import close_attempt, move
from jobs.spec.job import JobSpec
from jobs.states import Cause, JobState, Outcome, SweepState
from jobs.storage.owned_files import UnknownReference
from jobs.sweeps import sweeps
from jobs.tables import Job, JobAttempt, Sweep, Upload, WebhookDelivery, WebhookEndpoint
from tests.claims import take, wait_until_blocked
from tests.conftest import Submit

Result = TypeVar("Result")

SHA256 = "ab" * 32


def test_every_event_of_a_worker_is_a_sign_of_progress(database: Database, submit: Submit) -> None:
    claim = take(database, submit())
    long_ago = text("now() - interval '1 hour'")
    with database.begin() as session:
        session.execute(update(Job).values(progressed_at=long_ago))
        before = session.scalars(select(Job.progressed_at)).one()
        assert lifecycle.record(session, claim, LogMessage(message="still here"))
        after = session.scalars(select(Job.progressed_at)).one()
    assert before is not None
    assert after is not None
    assert (after - before).total_seconds() > 3500


def test_of_two_retries_at_once_the_slower_says_that_the_job_is_queued(
    database: Database, submit: Submit
) -> None:
    claim = take(database, submit())
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))

    def slower(session: Session) -> JobState:
        with pytest.raises(Conflict) as conflict:
            owner_moves.retry(session, "ada", claim.job_id)
        return conflict.value.state

    def faster(session: Session) -> bool:
        return owner_moves.retry(session, "ada", claim.job_id)

    assert while_held(database, faster, slower) == JobState.QUEUED


def while_held(
    database: Database, hold: Callable[[Session], object], act: Callable[[Session], Result]
) -> Result:
    """Return the result of a transaction that waits until another one, which has moved the job, commits."""
    moved = Event()

    def waiting() -> Result:
        assert moved.wait(30)
        with database.begin() as session:
            return act(session)

    with ThreadPoolExecutor(1) as pool:
        with database.begin() as session:
            result = pool.submit(waiting)
            assert hold(session)
            moved.set()
            wait_until_blocked(database)
        return result.result(30)


def test_a_job_that_is_handed_back_meanwhile_is_cancelled_all_the_same(
    database: Database, claim: Claim
) -> None:
    assert while_held(
        database,
        lambda session: lifecycle.hand_back(session, claim, "the worker is shutting down"),
        lambda session: owner_moves.cancel(session, "ada", claim.job_id),
    )
    with database.begin() as session:
        assert session.get_one(Job, claim.job_id).state == JobState.CANCELLED


def test_a_sweep_is_cancelled_although_one_of_its_jobs_ends_meanwhile(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        sweep = Sweep(owner="ada", request={}, state=SweepState.RUNNING)
        session.add(sweep)
        session.flush()
        sweep_id = sweep.id
        ending, other = (owner_moves.create(session, "ada", spec, sweep_id=sweep_id).id for _ in range(2))
    claim = take(database, ending)
    error = JobError(type="internal", message="no")
    while_held(
        database,
        lambda session: lifecycle.fail(session, claim, error),
        lambda session: sweeps.cancel(session, "ada", sweep_id),
    )
    with database.begin() as session:
        states = [session.get_one(Job, job_id).state for job_id in (ending, other)]
        assert (states, session.get_one(Sweep, sweep_id).state) == (["failed", "cancelled"], "cancelled")


def test_a_stored_error_has_no_fields_without_a_value(database: Database, submit: Submit) -> None:
    claim = take(database, submit())
    with database.begin() as session:
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
        assert session.scalars(select(Job.error)).one() == {"type": "internal", "message": "no"}


def test_a_new_job_names_its_owners_uploads_by_their_content(database: Database, spec: JobSpec) -> None:
    with database.begin() as session:
        upload = Upload(owner="ada", name="a.txt", format="txt", size=3, sha256=SHA256, key="uploads/a")
        session.add(upload)
        session.flush()
        request = spec.model_dump(mode="json")
        request["recipe"]["calibration"]["dataset"] = f"upload:{upload.id}"
        named = JobSpec.model_validate(request)
        stored = owner_moves.create(session, "ada", named).spec
        assert stored["recipe"]["calibration"]["dataset"] == f"sha256:{SHA256}.txt"
        with pytest.raises(UnknownReference, match="calibration"):
            owner_moves.create(session, "bob", named)


def test_only_the_named_attempt_of_the_named_job_is_closed(database: Database, submit: Submit) -> None:
    one, other = submit(), submit()
    with database.begin() as session:
        session.add_all(JobAttempt(job_id=job, attempt=n, worker="w") for job in (one, other) for n in (1, 2))
        session.flush()
        close_attempt(session, one, 2, Outcome.LOST, "gone")
    with database.begin() as session:
        closed = select(JobAttempt.job_id, JobAttempt.attempt).where(JobAttempt.ended_at.is_not(None))
        assert session.execute(closed).all() == [(one, 2)]


def test_a_job_that_ends_writes_one_message_and_one_that_starts_writes_none(
    database: Database, submit: Submit
) -> None:
    with database.begin() as session:
        events = ["job.succeeded", "job.failed", "job.cancelled"]
        session.add(WebhookEndpoint(owner="ada", url="https://example.com", events=events, secret=b"s"))
    job_id = submit()
    claim = take(database, job_id)
    with database.begin() as session:
        assert session.scalars(select(WebhookDelivery)).all() == []
        assert lifecycle.fail(session, claim, JobError(type="internal", message="no"))
        (message,) = session.scalars(select(WebhookDelivery)).all()
    assert (message.event, message.payload["data"]["id"]) == ("job.failed", str(job_id))


def test_a_move_that_does_not_exist_is_refused_by_name(database: Database, submit: Submit) -> None:
    job_id = submit()
    with database.begin() as session, pytest.raises(ValueError, match="from queued to succeeded"):
        move(session, job_id, JobState.QUEUED, StateChanged(state=JobState.SUCCEEDED))


def test_worker_faults_are_counted_per_job_with_the_reason(database: Database, submit: Submit) -> None:
    error = JobError(type="worker", message="its disk is broken", cause=Cause.WORKER)
    one, other = submit(), submit()
    for job_id in (other, other, one, one):
        claim = take(database, job_id)
        with database.begin() as session:
            assert lifecycle.requeue_after_fault(session, claim, error, max_worker_faults=3)
    with database.begin() as session:
        assert set(session.scalars(select(Job.state))) == {JobState.QUEUED}
        assert set(session.scalars(select(JobAttempt.reason))) == {"its disk is broken"}
        change = events.events_since(session, one, 0)[-1].data
    assert change == StateChanged(state=JobState.QUEUED, reason="its disk is broken", attempt=2)
