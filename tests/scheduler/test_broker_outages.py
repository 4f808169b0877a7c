"""An outage of the broker is recorded, and delays nothing but the wake-ups."""

import time
from collections.abc import Iterator
from datetime import datetime

import pytest
import redis
from sqlalchemy import select

from cli.embedded.valkey import Valkey
from jobs import limits
from jobs.database import Database
from jobs.lifecycle import owner_moves
from jobs.monitoring import metrics
from jobs.monitoring.catalogue import LAST_ROUND
from jobs.queue import workers
from jobs.states import JobState
from jobs.tables import Scheduler as SchedulerRow
from scheduler import wake_ups
from scheduler.rounds import Scheduler
from tests.claims import job
from tests.cli.embedded.freezing import frozen
from tests.clock import Clock
from tests.conftest import Submit
from tests.scheduler.scheduled import expire_leases, messages, running, seen


@pytest.fixture
def recorded() -> Iterator[list[str]]:
    """The names of the metrics that are recorded."""
    names = list[str]()
    metrics.record_into(lambda name, value, labels: names.append(name))
    yield names
    metrics.record_into(None)


def broker_away_since(database: Database) -> datetime | None:
    with database.begin() as session:
        return session.scalars(select(SchedulerRow.broker_away_since)).one()


def test_without_a_broker_leases_expire_and_the_outage_is_recorded_until_it_answers(
    database: Database, submit: Submit, connected: Scheduler, valkey: Valkey, broker: redis.Redis
) -> None:
    lost = running(database, submit)
    expire_leases(database)
    valkey.stop()
    try:
        assert not connected.round()
        silent_since = broker_away_since(database)
        assert silent_since is not None
        assert job(database, lost.job_id).state == JobState.QUEUED
        with database.begin() as session:
            assert owner_moves.cancel(session, "ada", lost.job_id)
        assert not connected.round(), "although there is nothing to send"
        assert broker_away_since(database) == silent_since
        submit()
    finally:
        valkey.start()
    while not connected.round():
        pass
    assert (broker_away_since(database), messages(broker)) == (None, 1)


def test_while_a_broker_hangs_leases_expire_and_the_outage_is_recorded(
    database: Database, submit: Submit, valkey: Valkey, broker: redis.Redis, clock: Clock
) -> None:
    began = time.monotonic()
    scheduler = Scheduler(database, clock=lambda: clock.seconds + time.monotonic() - began)
    for _ in range(3):
        assert scheduler.round()
        clock.seconds += limits.LEASE_SECONDS / 3
    claim = running(database, submit)
    with frozen(valkey):
        assert not scheduler.round()
        assert broker_away_since(database) is not None
        expire_leases(database)
        assert not scheduler.round()
        assert job(database, claim.job_id).state == JobState.QUEUED


def test_a_broker_that_accepts_no_message_is_unavailable_since_the_last_one(
    database: Database,
    submit: Submit,
    scheduler: Scheduler,
    broker: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen(database, "w1")
    submit()
    most = broker.config_get("maxmemory")["maxmemory"]
    broker.config_set("maxmemory", 1)
    try:
        assert not scheduler.round()
        silent_since = broker_away_since(database)
        assert silent_since is not None
        assert not scheduler.round()
        assert broker_away_since(database) == silent_since
    finally:
        broker.config_set("maxmemory", most)
    assert "command not allowed when used memory > 'maxmemory'" in caplog.text
    assert scheduler.round()
    assert (broker_away_since(database), messages(broker)) == (None, 1)


def test_a_broker_that_is_away_before_any_worker_has_registered_is_named(
    database: Database, scheduler: Scheduler, valkey: Valkey
) -> None:
    valkey.stop()
    try:
        assert not scheduler.round()
        assert broker_away_since(database) is not None
    finally:
        valkey.start()


def test_a_scheduler_that_leaves_the_messages_to_another_asks_the_broker_itself(
    database: Database, scheduler: Scheduler, valkey: Valkey, recorded: list[str]
) -> None:
    with database.begin() as another:
        assert workers.try_send_lock(another)
        valkey.stop()
        try:
            assert not scheduler.round()
            silent_since = broker_away_since(database)
            assert scheduler.round(whole=False), "which says nothing of the broker"
            assert broker_away_since(database) == silent_since is not None
            assert LAST_ROUND.name not in recorded
        finally:
            valkey.start()
        assert scheduler.round()
    assert broker_away_since(database) is None
    assert LAST_ROUND.name in recorded


def test_a_broker_that_is_slow_to_count_messages_is_unavailable_itself(
    database: Database,
    scheduler: Scheduler,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen(database, "w1")
    monkeypatch.setattr(wake_ups, "_MAX_SECONDS", -1.0)
    assert not scheduler.round()
    assert "the broker is unavailable (the broker is too slow)" in caplog.text
    assert broker_away_since(database) is not None
