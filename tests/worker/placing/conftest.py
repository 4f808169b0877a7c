"""A fleet of simulated workers, and the broker that the dispatcher publishes to."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import redis

from jobs.settings import Settings
from tests.worker.placing.fleet import Database, Fleet
from worker.broker.app import app
from worker.dispatch import Dispatcher
from worker.dispatcher.sizing import Sizing


@pytest.fixture
def fleet(
    environment: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Fleet]:
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    settings = environment.model_copy(update={"model_roots": (tmp_path,), "class_patience_seconds": 60.0})
    sizing = Sizing(database, settings)
    clock = count(0.0, settings.heartbeat_seconds)  # each look at it is a heartbeat later
    dispatcher = Dispatcher(database, settings, clock=lambda: next(clock))
    yield Fleet(database, settings, dispatcher, sizing, tmp_path / "models")
    sizing.stop()


@pytest.fixture
def broker(environment: Settings) -> redis.Redis:
    return redis.Redis.from_url(environment.broker_url.get_secret_value())
