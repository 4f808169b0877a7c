"""Messages whose receiver or sender fails."""

import socket
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text, update

from jobs.settings import Settings
from jobs.tables import NOW, WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks import outbox as webhook_outbox
from scheduler import safe_http
from scheduler.webhook_sender import WebhookSender
from tests.scheduler.receiver import Receiver
from tests.scheduler.webhooks.outbox import Outbox


def test_a_receiver_that_fails_is_retried_with_backoff(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive(500, 302)
    endpoint_id, _ = outbox.endpoint(receiver.url)
    end()
    pauses = []
    for _ in range(2):
        assert outbox.sender.round() == 1
        (delivery,) = outbox.deliveries
        assert delivery.next_attempt_at is not None
        assert delivery.last_attempt_at is not None
        pauses.append((delivery.next_attempt_at - delivery.last_attempt_at).total_seconds())
        assert outbox.sender.round() == 0
        assert outbox.standing(endpoint_id).failing_since is not None
        outbox.due_now()
    for pause, planned in zip(pauses, webhook_outbox.BACKOFF, strict=False):
        assert 0.8 * planned <= pause <= 1.2 * planned + 20
    assert outbox.sender.round() == 1
    (delivery,) = outbox.deliveries
    assert (delivery.attempts, delivery.last_status) == (3, 204)
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == 1
    assert len(receiver.requests) == 3  # the redirect was not followed
    assert outbox.standing(endpoint_id).failing_since is None


def test_after_days_of_failures_a_message_is_abandoned_and_can_be_replayed(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    assert 3 < sum(webhook_outbox.BACKOFF) / 86_400 < 5
    receiver = receive(500)
    endpoint_id, _ = outbox.endpoint(receiver.url)
    end()
    with outbox.database.begin() as session:
        session.execute(update(WebhookDelivery).values(attempts=len(webhook_outbox.BACKOFF)))
    outbox.sender.round()
    (delivery,) = outbox.deliveries
    assert delivery.next_attempt_at is None
    with outbox.database.begin() as session:
        endpoint = endpoints.get(session, "ada", endpoint_id)
        assert endpoint is not None
        assert webhook_outbox.replay(session, endpoint, delivery.id) is not None
    assert outbox.sender.round() == 1
    assert outbox.deliveries[0].delivered_at is not None


def test_a_dead_endpoint_is_disabled_and_gets_no_more_requests(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver, gone = receive(500, 500), receive(410)
    dead_id, _ = outbox.endpoint(receiver.url)
    gone_id, _ = outbox.endpoint(gone.url)
    end()
    outbox.sender.round()
    assert outbox.standing(dead_id).disabled_at is None
    assert outbox.standing(gone_id).disabled_reason == "it has answered 410 Gone"
    with outbox.database.begin() as session:
        session.execute(update(WebhookEndpoint).values(failing_since=NOW - timedelta(days=6)))
    outbox.due_now()
    outbox.sender.round()
    assert outbox.standing(dead_id).disabled_reason == "nothing but failures for 5 days"
    outbox.due_now()
    assert outbox.sender.round() == 0
    with outbox.database.begin() as session:
        endpoints.enable(session, session.get_one(WebhookEndpoint, dead_id), enabled=True)
    assert outbox.sender.round() == 1
    assert outbox.deliveries[0].delivered_at is not None


def test_a_message_whose_sender_died_is_sent_by_another(outbox: Outbox, end: Callable[[], UUID]) -> None:
    outbox.endpoint("https://a.example")
    end()
    with outbox.database.begin() as session:
        (first,) = webhook_outbox.take_due(session, 10, 60)
    with outbox.database.begin() as session:
        assert webhook_outbox.take_due(session, 10, 60) == []
    outbox.due_now()
    with outbox.database.begin() as session:
        (second,) = webhook_outbox.take_due(session, 10, 60)
    assert (first.id, first.attempt, second.attempt) == (second.id, 1, 2)
    with outbox.database.begin() as session:
        webhook_outbox.record_delivery(session, first, 204)  # too late: the second attempt is under way
    assert outbox.deliveries[0].delivered_at is None


def test_the_outcome_of_an_attempt_before_a_replay_changes_nothing(
    outbox: Outbox, end: Callable[[], UUID]
) -> None:
    endpoint_id, _ = outbox.endpoint("https://a.example")
    end()
    late = timedelta(days=1)
    with outbox.database.begin() as session:
        (first,) = webhook_outbox.take_due(session, 10, 60)
        endpoint = session.get_one(WebhookEndpoint, endpoint_id)
        assert webhook_outbox.replay(session, endpoint, first.id)
        webhook_outbox.record_delivery(session, first, 204)
        (second,) = webhook_outbox.take_due(session, 10, 60)  # it is still due
    assert (first.id, first.attempt) == (second.id, second.attempt)
    with outbox.database.begin() as session:
        webhook_outbox.record_delivery(session, second, 204)
        webhook_outbox.record_failure(session, first, 410, "gone", gone=True, disable_after=late)
    (delivery,) = outbox.deliveries
    assert (delivery.last_status, delivery.next_attempt_at, delivery.last_error) == (204, None, None)
    assert delivery.delivered_at is not None
    assert outbox.standing(endpoint_id).disabled_at is None


def test_two_senders_never_take_the_same_message(outbox: Outbox, end: Callable[[], UUID]) -> None:
    outbox.endpoint("https://a.example")
    for _ in range(4):
        end()
    with outbox.database.begin() as one, outbox.database.begin() as other:
        taken = [due.id for session in (one, other) for due in webhook_outbox.take_due(session, 2, 60)]
    assert len(set(taken)) == 4


async def fake_resolver_to_a_private_address(host: str, port: int) -> Sequence[str]:
    return ["10.0.0.1"]


def test_a_host_that_moved_to_a_private_address_is_a_failed_attempt(
    outbox: Outbox, settings: Settings, end: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://rebound.example/")
    end()
    WebhookSender(outbox.database, settings, resolve=fake_resolver_to_a_private_address).round()
    (delivery,) = outbox.deliveries
    assert delivery.last_error == "the host has no public address"
    assert delivery.next_attempt_at is not None


@pytest.mark.threat
def test_an_unresolvable_name_is_reported_like_a_private_host(
    outbox: Outbox, settings: Settings, end: Callable[[], UUID]
) -> None:
    async def fails(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    outbox.endpoint("https://unknown.example/")
    outbox.endpoint(f"https://{'a' * 64}.example/")  # a name that Python's own codec refuses
    outbox.endpoint("https://private.example/")
    for resolve in (fails, safe_http.resolve, fake_resolver_to_a_private_address):
        end()
        WebhookSender(outbox.database, settings, resolve=resolve).round()
    assert {delivery.last_error for delivery in outbox.deliveries} == {"the host has no public address"}


def test_old_messages_are_deleted_also_if_they_are_still_pending(
    outbox: Outbox, end: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://a.example")
    end()
    end()
    end()
    old = {"id": text("uuidv7(interval '-31 days')"), "next_attempt_at": NOW - timedelta(days=31)}
    with outbox.database.begin() as session:
        session.execute(update(WebhookDelivery).values(old))
    first, replayed, _ = outbox.deliveries
    with outbox.database.begin() as session:
        session.get_one(WebhookDelivery, first.id).next_attempt_at = None
        session.get_one(WebhookDelivery, replayed.id).next_attempt_at = NOW
    end()
    *_, young = outbox.deliveries
    with outbox.database.begin() as session:
        webhook_outbox.delete_old(session, timedelta(days=30))
    assert {delivery.id for delivery in outbox.deliveries} == {replayed.id, young.id}
