"""An attempt's guarded access to the database, and its end: the first change of the job wins."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import LogMessage
from jobs.lifecycle.lifecycle import Claim
from jobs.states import JobState
from jobs.tables import Job
from worker.attempt.attempt import Attempt
from worker.identity import Identity
from worker.interrupts import CancelRequested, LeaseLost, ShutdownRequested

AttemptOf = Callable[..., Attempt]

MESSAGE = LogMessage(attempt=1, message="a message")


def state(database: Database, claim: Claim) -> JobState:
    with database.begin() as session:
        return session.get_one(Job, claim.job_id).state


def cancel(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        assert owner_moves.cancel(session, claim.owner, claim.job_id)


def take_back(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        lifecycle.take_back(session, claim.job_id, claim.lease_token, "its lease expired", 3)


def test_a_transition_ends_the_attempt_even_while_the_worker_shuts_down(
    claim: Claim, attempt_of: AttemptOf, database: Database, worker: Identity
) -> None:
    attempt = attempt_of(claim)
    worker.request_shutdown()
    with pytest.raises(ShutdownRequested):
        attempt.record(MESSAGE)
    attempt.finish(lambda session: lifecycle.hand_back(session, claim, "the worker is shutting down"))
    assert state(database, claim) == JobState.QUEUED


def test_a_cancel_request_that_came_first_wins_over_the_transition(
    claim: Claim, attempt_of: AttemptOf, database: Database
) -> None:
    cancel(database, claim)
    attempt_of(claim).finish(lambda session: lifecycle.hand_back(session, claim, "no reason"))
    assert state(database, claim) == JobState.CANCELLED


def test_a_worker_that_lost_the_job_cannot_end_it(
    claim: Claim, attempt_of: AttemptOf, database: Database
) -> None:
    take_back(database, claim)
    with database.begin() as session:
        assert lifecycle.claim(session, claim.job_id, "another worker", 30)
    with pytest.raises(LeaseLost):
        attempt_of(claim).finish(lambda session: lifecycle.hand_back(session, claim, "no reason"))
    assert state(database, claim) == JobState.RUNNING


@pytest.mark.parametrize(("change", "reason"), [(cancel, CancelRequested), (take_back, LeaseLost)])
def test_a_refused_write_raises_why_the_job_no_longer_runs_here(
    change: Callable[[Database, Claim], None],
    reason: type[Exception],
    claim: Claim,
    attempt_of: AttemptOf,
    database: Database,
) -> None:
    attempt = attempt_of(claim)
    attempt.record(MESSAGE)
    change(database, claim)
    with pytest.raises(reason):
        attempt.record(MESSAGE)


@pytest.mark.usefixtures("short_waits")
def test_a_transaction_is_retried_when_its_connection_is_cut(claim: Claim, attempt_of: AttemptOf) -> None:
    connections: list[int] = []

    def cut_the_first(session: Session) -> int:
        connections.append(session.scalars(text("SELECT pg_backend_pid()")).one())
        if len(connections) == 1:
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return connections[-1]

    assert attempt_of(claim).transaction(cut_the_first) == connections[1] != connections[0]
