"""Owners and endpoints take turns, so that slow receivers delay no others."""

import socket
from collections.abc import Callable
from uuid import UUID

import pytest

from jobs.database import Database
from jobs.tables import WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks import outbox as webhook_outbox
from scheduler import safe_http
from scheduler.webhook_sender import WebhookSender
from tests.eventually import eventually
from tests.scheduler.receiver import Receiver
from tests.scheduler.webhooks.outbox import Outbox


@pytest.mark.threat
def test_slow_endpoints_of_one_owner_do_not_delay_anothers(
    outbox: Outbox,
    database: Database,
    end: Callable[[], UUID],
    receive: Callable[..., Receiver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(safe_http, "_TOTAL_SECONDS", 600.0)  # longer than is waited for the other message
    receiver = receive()
    with socket.create_server(("127.0.0.1", 0), backlog=512) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        slow = [outbox.endpoint(url, owner="eve")[0] for _ in range(endpoints.MAX_ENDPOINTS)]
        with database.begin() as session:
            for endpoint_id in slow * 4:
                webhook_outbox.send_test(session, session.get_one(WebhookEndpoint, endpoint_id))
        outbox.endpoint(receiver.url)
        end()
        sender = WebhookSender(database, outbox.settings)
        sender.start()
        try:
            eventually(lambda: bool(receiver.requests))
        finally:
            sender.stop()
    assert len(receiver.requests) == 1
    assert sum(delivery.attempts for delivery in outbox.deliveries) == webhook_outbox.MAX_PER_OWNER + 1


@pytest.mark.threat
def test_a_slow_endpoint_leaves_places_to_others_of_its_owner(
    outbox: Outbox, database: Database, end: Callable[[], UUID]
) -> None:
    slow, _ = outbox.endpoint("https://slow.example")
    with database.begin() as session:
        for _ in range(20):
            webhook_outbox.send_test(session, session.get_one(WebhookEndpoint, slow))
    quick, _ = outbox.endpoint("https://quick.example")
    end()  # one message for each of the two
    with database.begin() as session:
        first = webhook_outbox.take_due(session, 64, 60)
        assert sorted(due.endpoint_id for due in first) == sorted([slow] * 4 + [quick])
        assert webhook_outbox.take_due(session, 64, 60, first) == []
        freed = [due for due in first if due.endpoint_id == slow][1:]
        assert [due.endpoint_id for due in webhook_outbox.take_due(session, 64, 60, freed)] == [slow]


def test_owners_take_turns(outbox: Outbox, database: Database) -> None:
    for owner, messages in (("eve", 6), ("ada", 2), ("bob", 1)):
        ids = [outbox.endpoint("https://a.example", owner=owner)[0] for _ in range(2)]
        with database.begin() as session:
            for number in range(messages):
                webhook_outbox.send_test(session, session.get_one(WebhookEndpoint, ids[number % 2]))
    with database.begin() as session:
        owners = [due.owner for due in webhook_outbox.take_due(session, 5, 60)]
    assert sorted(owners) == ["ada", "ada", "bob", "eve", "eve"]
