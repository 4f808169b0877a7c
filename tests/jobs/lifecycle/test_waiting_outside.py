"""A job that waits for the Hub or the store: for how long, what it says, and how it ends."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from jobs.database import Database
from jobs.lifecycle import attempt_files, lifecycle, owner_moves
from jobs.lifecycle.events import JobError, StateChanged
from jobs.lifecycle.lifecycle import Claim
from jobs.states import JobState
from jobs.storage.store import StoredFile
from jobs.tables import NOW, Job, JobAttempt
from tests.claims import claimed, take
from tests.jobs.lifecycle.rows import ERROR, STORED_ERROR, attempt_of, events_of, row_of


@pytest.fixture
def tokyo() -> Iterator[None]:
    """Nine hours after the times of messages, which are in UTC."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def test_waits_for_the_hub_double_up_to_five_minutes_until_a_new_block(
    database: Database, claim: Claim
) -> None:
    error = JobError(type="unreachable", message="the Hub did not deliver x; try again later")
    for wait in (10, 20, 40, 80, 160, 300, 300):
        with database.begin() as session:
            before = session.scalar(NOW.select())
            assert lifecycle.requeue_while_unreachable(session, claim, error, 3600.0)
            after = session.scalar(NOW.select())
        row = row_of(database, claim.job_id)
        assert before <= row["next_try_at"] - timedelta(seconds=wait) <= after
        again = take(database, claim.job_id)
        claim = again
    row = row_of(database, claim.job_id)
    assert (row["unreachable_tries"], row["next_try_at"], row["lost_attempts"]) == (7, None, 1)
    assert attempt_of(database, claim.job_id).attempt == 9
    with database.begin() as session:
        shard = StoredFile("a/key", 3, "ab" * 32)
        assert attempt_files.record_block(session, claim, "prune", 0, shard, {})
    row = row_of(database, claim.job_id)
    assert (row["unreachable_tries"], row["unreachable_since"]) == (0, None)


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("kind", "name", "what"),
    [("unreachable", "the Hub", "the Hub did not deliver x"), ("store", "the store", "the store is full")],
)
def test_a_job_that_waits_says_for_what_and_at_last_why_it_failed(
    database: Database, claim: Claim, kind: str, name: str, what: str
) -> None:
    error = JobError(type=kind, message=f"{what}; try again later; or not")
    of_it = "store_away_since" if kind == "store" else "unreachable_since"
    with database.begin() as session:
        before = session.scalar(NOW.select())
        assert lifecycle.requeue_while_unreachable(session, claim, error, 10.0, what=what)  # its wait
        after = session.scalar(NOW.select())
    row = row_of(database, claim.job_id)
    assert (row["state"], row["waiting_for"]) == (JobState.QUEUED, what)
    assert row[of_it] == row["next_try_at"] - timedelta(seconds=10)
    assert before <= row[of_it] <= row["queued_at"] <= after
    reason = f"waiting for {name}, next try at {row['next_try_at'].astimezone(UTC):%H:%M:%S} UTC"
    reason += f": {what}"
    assert events_of(database, claim.job_id)[-1] == StateChanged(
        state=JobState.QUEUED, attempt=2, reason=reason
    )
    attempt = attempt_of(database, claim.job_id)
    assert (attempt.outcome, attempt.reason) == ("unreachable", reason)

    with database.begin() as session:
        again = claimed(session, claim.job_id)
        assert lifecycle.requeue_while_unreachable(session, again, error, 29.0)  # 10 and 20
    after = row_of(database, claim.job_id)
    since = f"{row[of_it].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    assert (after["state"], after[of_it]) == (JobState.FAILED, row[of_it])
    message = f"{what}; try again later; or not (2 tries since {since})"
    assert after["error"] == {"type": kind, "message": message}
    assert attempt_of(database, claim.job_id).outcome == "failed"


def test_time_in_which_no_worker_tried_is_none_of_the_patience(database: Database, claim: Claim) -> None:
    """A laptop is closed for the night, and opened before its network is back."""
    with database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 3600.0)
        outage = {"hub": {"since": "2026-01-02T03:04:05+00:00", "tries": 15}}
        session.execute(update(Job).values(outage=outage))
        again = claimed(session, claim.job_id)
        assert lifecycle.requeue_while_unreachable(session, again, ERROR, 3700.0)
    row = row_of(database, claim.job_id)
    assert (row["state"], row["unreachable_tries"]) == (JobState.QUEUED, 16)


def test_the_time_of_attempts_that_ended_otherwise_is_none_of_the_patience(
    database: Database, claim: Claim
) -> None:
    """They have reached the Hub, or met another failure before it."""
    store = JobError(type="store", message="the store is full")

    with database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 3600.0)
        ends: list[Callable[[Claim], object]] = [
            lambda of: lifecycle.hand_back(session, of, "the worker is shutting down"),
            lambda of: lifecycle.requeue_after_fault(session, of, ERROR, 9),
            lambda of: lifecycle.take_back(session, of.job_id, of.lease_token, "its lease expired", 9),
            lambda of: lifecycle.requeue_while_unreachable(session, of, store, 3600.0),
        ]
        for end in ends:
            again = claimed(session, claim.job_id)
            began = update(JobAttempt).where(JobAttempt.attempt == again.attempt)
            session.execute(began.values(started_at=NOW - timedelta(hours=1)))
            assert end(again)
        since = session.scalars(select(NOW - timedelta(days=1))).one()
        session.execute(update(Job).values(outage={"hub": {"since": since.isoformat(), "tries": 1}}))
        again = claimed(session, claim.job_id)
        assert lifecycle.requeue_while_unreachable(session, again, ERROR, 3600.0)
    assert row_of(database, claim.job_id)["state"] == JobState.QUEUED


# 11 tries of 30 minutes and waits of 40; 6 that count for an hour each, as a download may have got on.
@pytest.mark.parametrize(("minutes", "expected"), [(30, 12), (180, 7)])
def test_the_time_that_tries_take_on_workers_is_part_of_the_patience(
    database: Database, claim: Claim, minutes: int, expected: int
) -> None:
    """Else a result of half an hour that the store does not take is computed 76 times in six hours."""

    def took(**time: int) -> None:
        ago = NOW - timedelta(**time)
        session.execute(update(JobAttempt).where(JobAttempt.ended_at.is_(None)).values(started_at=ago))

    with database.begin() as session:
        took(days=2)  # the first of them had more to do
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 6 * 3600.0)
        since = session.scalars(select(NOW - timedelta(days=1))).one()
        outage = {"hub": {"since": since.isoformat(), "tries": 1}}
        session.execute(update(Job).values(outage=outage))
    tries = 1
    while row_of(database, claim.job_id)["state"] == JobState.QUEUED:
        again = take(database, claim.job_id)
        with database.begin() as session:
            took(minutes=minutes)
            assert lifecycle.requeue_while_unreachable(session, again, ERROR, 6 * 3600.0)
        tries += 1
    assert tries == expected


def test_without_patience_the_error_is_that_of_the_only_try(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 9.9)
    assert row_of(database, claim.job_id)["error"] == STORED_ERROR


def test_only_the_holder_of_a_job_makes_it_wait_for_the_hub(database: Database, claim: Claim) -> None:
    stranger = Claim(claim.job_id, 2, uuid4(), "ada", {})
    nobodys = Claim(uuid4(), 2, claim.lease_token, "ada", {})
    before = row_of(database, claim.job_id)
    for other in (stranger, nobodys):
        with database.begin() as session:
            assert not lifecycle.requeue_while_unreachable(session, other, ERROR, 3600.0)
            assert not lifecycle.requeue_while_unreachable(session, other, ERROR, 0.0)
    assert row_of(database, claim.job_id) == before


def test_a_retry_gives_the_hub_the_whole_patience_again(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 3600.0)
        assert owner_moves.cancel(session, "ada", claim.job_id)
        assert owner_moves.retry(session, "ada", claim.job_id)
    row = row_of(database, claim.job_id)
    assert (row["unreachable_tries"], row["unreachable_since"], row["next_try_at"]) == (0, None, None)


def test_the_start_of_a_hub_outage_outlives_an_outage_of_the_store(database: Database, claim: Claim) -> None:
    """Else a store that fails once in each attempt would begin the Hub's patience anew each time."""
    for error in (ERROR, JobError(type="store", message="the store is full")):
        with database.begin() as session:
            assert lifecycle.requeue_while_unreachable(session, claim, error, 3600.0)
        again = take(database, claim.job_id)
        claim = again
    row = row_of(database, claim.job_id)
    assert (row["awaited"], row["unreachable_tries"], row["store_tries"]) == ("store", 1, 1)
    assert row["unreachable_since"] < row["store_away_since"]
