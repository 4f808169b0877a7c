"""What tests of the scheduler share with those of a worker."""

import pytest
import redis

from jobs.broker import app
from jobs.database import Database
from jobs.settings import Settings
from scheduler.rounds import Scheduler
from tests.clock import Clock
from tests.scheduler.scheduled import pass_a_lease
from tests.worker.conftest import (
    claim,
    cut_connections,
    environment,
    fast_heartbeats,
    receive,
    store_url,
    worker,
)

__all__ = [
    "claim",
    "cut_connections",
    "environment",
    "fast_heartbeats",
    "receive",
    "store_url",
    "worker",
]


@pytest.fixture
def broker(environment: Settings, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    return redis.Redis.from_url(environment.broker_url.get_secret_value())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scheduler(database: Database, broker: redis.Redis, clock: Clock) -> Scheduler:
    return Scheduler(database, clock=clock)


@pytest.fixture
def connected(scheduler: Scheduler, clock: Clock) -> Scheduler:
    """A scheduler that has been connected for a whole lease."""
    assert scheduler.round()
    pass_a_lease(scheduler, clock)
    return scheduler
