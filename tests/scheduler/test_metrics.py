"""What alerts on the scheduler's metrics rely on: they move while all is well, and not otherwise."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from kombu.exceptions import OperationalError as BrokerUnavailable
from sqlalchemy import insert
from sqlalchemy.exc import OperationalError

from jobs.database import Database
from jobs.monitoring import metrics
from jobs.monitoring.catalogue import (
    LAST_ROUND,
    OLDEST_WEBHOOK_DELIVERY,
    READ_AT,
    WEBHOOK_DELIVERIES_DUE,
    GaugeFamily,
)
from jobs.tables import NOW, WebhookDelivery, WebhookEndpoint
from scheduler.metrics import MetricsReader
from scheduler.rounds import Scheduler
from tests.claims import unavailable


@pytest.fixture
def recorded() -> Iterator[list[str]]:
    """The names of the metrics that this process records."""
    names: list[str] = []
    metrics.record_into(lambda name, value, labels: names.append(name))
    yield names
    metrics.record_into(None)


def without_broker(*anything: object) -> None:
    raise BrokerUnavailable("connection refused")


@pytest.mark.parametrize("outage", [unavailable, without_broker])
def test_a_round_that_is_cut_short_is_not_recorded_as_the_last_one(
    scheduler: Scheduler, recorded: list[str], monkeypatch: pytest.MonkeyPatch, outage: object
) -> None:
    assert scheduler.round()
    assert recorded.count(LAST_ROUND.name) == 1
    monkeypatch.setattr("scheduler.rounds.wake_workers", outage)
    assert not scheduler.round()
    assert recorded.count(LAST_ROUND.name) == 1


def values(reader: MetricsReader) -> dict[GaugeFamily, dict[tuple[str, ...], float]]:
    return {family: dict(found) for family, found in reader.gauges()}


def test_a_late_webhook_message_is_seen_and_a_failed_reading_leaves_the_last_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = MetricsReader(database)
    reader.round()
    first = values(reader)
    assert (first[WEBHOOK_DELIVERIES_DUE], first[OLDEST_WEBHOOK_DELIVERY]) == ({(): 0}, {(): 0.0})
    with database.begin() as session:
        endpoint = insert(WebhookEndpoint).values(
            owner="eve", url="https://example.org", events=[], secret=b""
        )
        endpoint_id = session.scalars(endpoint.returning(WebhookEndpoint.id)).one()
        due = {"event": "", "payload": {}, "next_attempt_at": NOW - timedelta(hours=1)}
        session.execute(insert(WebhookDelivery).values(endpoint_id=endpoint_id, **due))
    with monkeypatch.context() as outage:
        outage.setattr("scheduler.metrics.snapshot", unavailable)
        with pytest.raises(OperationalError):
            reader.round()
        assert values(reader) == first
    reader.round()
    then = values(reader)
    assert then[WEBHOOK_DELIVERIES_DUE] == {(): 1}
    assert then[OLDEST_WEBHOOK_DELIVERY][()] >= 3600
    assert then[READ_AT][()] > first[READ_AT][()]
