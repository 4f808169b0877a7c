"""A running job that waits for the store: what its row and its events say, and when they say so no more."""

from datetime import UTC, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.lifecycle import attempt_files, lifecycle
from jobs.lifecycle.events import LogMessage
from jobs.lifecycle.lifecycle import Claim
from jobs.queue.waiting import Wait, Waits, WaitsFor
from jobs.states import JobState
from jobs.tables import NOW, Job, Lease
from tests.jobs.lifecycle.rows import ERROR, events_of, row_of

Database = sessionmaker[Session]
ANSWERS = {
    **dict.fromkeys(("waiting_for", "next_try_at", "store_away_since", "unreachable_since")),
    "store_tries": 0,
    "unreachable_tries": 0,
}

FULL = "the store is full; the operator must make room"


def waits(
    database: Database, claim: Claim, *, waited: float, tries: int, pause: float, is_new: bool = False
) -> bool:
    with database.begin() as session:
        return attempt_files.record_store_wait(
            session, claim, FULL, waited=waited, tries=tries, pause=pause, is_new=is_new
        )


def reasons(database: Database, claim: Claim) -> list[Wait]:
    with database.begin() as session:
        found = Waits(30.0).of(session, [session.get_one(Job, claim.job_id)])
        return list(found.values())


def test_a_job_that_waits_for_the_store_says_what_since_when_and_until_when(
    database: Database, claim: Claim
) -> None:
    assert reasons(database, claim) == []
    begun = row_of(database, claim.job_id)
    with database.begin() as session:
        before = session.scalar(NOW.select())
        assert attempt_files.record_store_wait(
            session, claim, FULL, waited=2.0, tries=3, pause=7.0, is_new=True
        )
        after = session.scalar(NOW.select())
    row = row_of(database, claim.job_id)
    assert (row["state"], row["waiting_for"], row["store_tries"]) == (JobState.RUNNING, FULL, 3)
    since, next_try = row["store_away_since"], row["next_try_at"]
    assert before <= since + timedelta(seconds=2) <= after
    assert before <= next_try - timedelta(seconds=7) <= after
    said = f"{since.astimezone(UTC):%H:%M:%S} UTC, next try at {next_try.astimezone(UTC):%H:%M:%S} UTC"
    assert events_of(database, claim.job_id)[-1] == LogMessage(
        attempt=2, message=f"waiting for the store since {said}: {FULL}"
    )
    assert reasons(database, claim) == [Wait(WaitsFor.STORE)]

    # Each further try moves the next one, and is no event.
    assert waits(database, claim, waited=9.0, tries=4, pause=15.0)
    later = row_of(database, claim.job_id)
    assert (later["store_away_since"], later["store_tries"]) == (since, 4)
    assert later["next_try_at"] > next_try
    assert later["last_event"] == begun["last_event"] + 1

    with database.begin() as session:
        assert attempt_files.record_store_recovery(session, claim, "the store answers again")
    row = row_of(database, claim.job_id)
    assert {name: row[name] for name in ANSWERS} == ANSWERS
    assert events_of(database, claim.job_id)[-1] == LogMessage(attempt=2, message="the store answers again")
    assert reasons(database, claim) == []


def test_an_attempt_that_ends_no_longer_waits_for_the_store(database: Database, claim: Claim) -> None:
    assert waits(database, claim, waited=0.0, tries=1, pause=3600.0, is_new=True)
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "the worker is shutting down")
    row = row_of(database, claim.job_id)
    assert row["state"] == JobState.QUEUED
    assert {name: row[name] for name in ANSWERS} == ANSWERS


@pytest.mark.parametrize("end", ["waits for nothing", "hears of the store", "ends while it is full"])
def test_the_start_of_a_hub_outage_outlives_attempts_and_store_outages(
    database: Database, claim: Claim, end: str
) -> None:
    """Else a store that fails for a moment in each attempt would begin the Hub's patience anew each time."""
    with database.begin() as session:
        assert lifecycle.requeue_while_unreachable(session, claim, ERROR, 3600.0)
    of_hub = row_of(database, claim.job_id)["unreachable_since"]
    assert of_hub is not None
    with database.begin() as session:
        again = lifecycle.claim(session, claim.job_id, "w1", 30)
    assert again is not None
    if end != "waits for nothing":
        assert waits(database, again, waited=1.0, tries=7, pause=3600.0, is_new=True)
        waiting = row_of(database, claim.job_id)
        assert (waiting["unreachable_since"], waiting["unreachable_tries"]) == (of_hub, 1)
        assert (waiting["store_tries"], waiting["store_away_since"] != of_hub) == (7, True)
    with database.begin() as session:
        if end == "hears of the store":
            assert attempt_files.record_store_recovery(session, again, "the store answers again")
        assert lifecycle.hand_back(session, again, "the worker is shutting down")
    row = row_of(database, claim.job_id)
    assert (row["unreachable_since"], row["unreachable_tries"]) == (of_hub, 1)
    assert (row["store_away_since"], row["store_tries"], row["waiting_for"]) == (None, 0, None)


def test_a_job_that_is_claimed_waits_for_no_store(database: Database, claim: Claim) -> None:
    assert waits(database, claim, waited=0.0, tries=1, pause=3600.0, is_new=True)
    with database.begin() as session:
        session.execute(delete(Lease))
        session.execute(update(Job).values(state=JobState.QUEUED, lease_token=None))
    with database.begin() as session:
        assert lifecycle.claim(session, claim.job_id, "w1", 30) is not None
    row = row_of(database, claim.job_id)
    assert {name: row[name] for name in ANSWERS} == ANSWERS


def test_only_the_holder_of_a_running_job_says_what_it_waits_for(database: Database, claim: Claim) -> None:
    before = row_of(database, claim.job_id)
    for other in (
        Claim(claim.job_id, 2, uuid4(), "ada", {}),
        Claim(uuid4(), 2, claim.lease_token, "ada", {}),
    ):
        assert not waits(database, other, waited=0.0, tries=1, pause=1.0, is_new=True)
        assert not waits(database, other, waited=0.0, tries=1, pause=1.0)
        with database.begin() as session:
            assert not attempt_files.record_store_recovery(session, other, "it answers")
    assert row_of(database, claim.job_id) == before
    with database.begin() as session:
        session.execute(update(Job).values(state=JobState.CANCELLING))
    assert not waits(database, claim, waited=0.0, tries=1, pause=1.0, is_new=True)
