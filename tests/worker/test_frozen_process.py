"""A process that stops in the middle of a transaction keeps the others waiting for seconds, not for ever.

To the server, one that is frozen is one that asks nothing: here a transaction that is left open.
"""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

import jobs.database
from jobs import limits
from jobs.broker import app
from jobs.database import (
    DATABASE_UNAVAILABLE,
    Database,
    engine_for_requests,
    engine_from,
    sessions,
    waits_for_others,
)
from jobs.lifecycle import lifecycle, owner_moves
from jobs.settings import Settings
from jobs.states import JobState
from jobs.sweeps import sweeps
from jobs.tables import Job
from scheduler import rounds
from scheduler.rounds import Scheduler
from tests.claims import job
from tests.conftest import Submit
from tests.scheduler.scheduled import expire_leases


@pytest.fixture
def others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine of another process, which is ended after half a second of silence."""
    with monkeypatch.context() as patched:
        patched.setattr(jobs.database, "IDLE_SECONDS", 0.5)
        engine = engine_from(settings)
    yield engine
    engine.dispose()


class Clock:
    """Goes on by three seconds with each look."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 3.0
        return self.seconds


@pytest.fixture
def scheduler(environment: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scheduler]:
    """A scheduler that has been connected for a lease, and gives a lock up after a fifth of a second."""
    assert environment.broker_url is not None
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    with monkeypatch.context() as patched:
        patched.setattr(jobs.database, "LOCK_SECONDS", 0.2)
        engine = engine_from(environment)
    clock = Clock()
    scheduler = Scheduler(sessions(engine), clock=clock)
    while clock.seconds < 2 * limits.LEASE_SECONDS:
        assert scheduler.round()
    yield scheduler
    engine.dispose()


def lost(database: Database, job_id: UUID) -> UUID:
    """Let a worker claim a job, and its lease expire."""
    with database.begin() as session:
        assert lifecycle.claim(session, job_id, f"worker of {job_id}", 30) is not None
    expire_leases(database)
    return job_id


def lock(session: Session, job_id: UUID) -> None:
    session.execute(select(Job.id).where(Job.id == job_id).with_for_update())


def test_a_transaction_that_is_left_open_is_ended_and_its_locks_with_it(
    database: Database, submit: Submit, others: Engine
) -> None:
    job_id = submit()
    frozen = sessions(others)()
    lock(frozen, job_id)
    with database.begin() as session:
        assert owner_moves.cancel(session, "ada", job_id) is not None  # waits until the lock is gone
    with pytest.raises(DATABASE_UNAVAILABLE) as ended:  # which a worker tries again
        lock(frozen, job_id)
    assert not waits_for_others(ended.value)
    frozen.close()
    with others.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_requests_have_the_same_limits(settings: Settings) -> None:
    engine = engine_for_requests(settings)
    with engine.connect() as connection:
        limits = [
            connection.scalar(text(f"SHOW {name}"))
            for name in ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
        ]
    engine.dispose()
    assert limits == ["15s", "5s", "5s"]


def test_a_lock_is_no_outage_for_a_scheduler_and_keeps_no_other_job(
    database: Database, submit: Submit, scheduler: Scheduler
) -> None:
    locked, other = (lost(database, submit()) for _ in range(2))
    frozen = database()
    lock(frozen, locked)
    assert scheduler.round()
    assert (job(database, locked).state, job(database, other).state) == (JobState.RUNNING, JobState.QUEUED)
    frozen.rollback()
    assert scheduler.round()
    assert job(database, locked).state == JobState.QUEUED


@pytest.mark.parametrize("code", ["deadlock_detected", "lock_not_available"])
def test_what_puts_a_round_off_because_of_others_keeps_no_lost_job(
    database: Database, submit: Submit, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    def refused(session: Session, **_: object) -> None:
        session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$"))

    job_id = lost(database, submit())
    with monkeypatch.context() as locked:
        locked.setattr(sweeps, "advance", refused)
        locked.setattr(rounds, "expired_leases", lambda *anything: ())
        assert not scheduler.round()
    assert scheduler.round()
    assert job(database, job_id).state == JobState.QUEUED
