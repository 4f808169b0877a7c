"""Webhooks from a job's end to a receiver, with a real outbox and a real HTTP server in this process."""

import json
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, sessionmaker
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.schemas.webhooks import encode_secret
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import JobError
from jobs.settings import Settings
from jobs.tables import NOW, Job, WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks import outbox as webhook_outbox
from jobs.webhooks.encryption import NoKey, SecretBox, Unreadable
from jobs.webhooks.endpoints import MessageFormat
from tests.worker.dispatcher.receiver import Receiver
from worker.dispatcher import safe_http, webhook_sender
from worker.dispatcher.webhook_sender import WebhookSender

Database = sessionmaker[Session]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    changes = {"secret_keys": (SecretStr(Fernet.generate_key().decode()),), "webhook_allow": ("127.0.0.1",)}
    return settings.model_copy(update=changes)


class Outbox:
    """Acts for owners, and reads the tables."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database, self.secret_box = database, SecretBox(settings.secret_keys)
        self.settings, self.sender = settings, WebhookSender(database, settings)

    def endpoint(
        self, url: str, *events: str, owner: str = "ada", kind: MessageFormat = MessageFormat.STANDARD
    ) -> tuple[UUID, str]:
        with self.database.begin() as session:
            wanted = events or [*webhook_outbox.WebhookEvent]
            endpoint, secret = endpoints.create(session, self.secret_box, owner, url, wanted, kind)
            return endpoint.id, encode_secret(secret)

    def due_now(self) -> None:
        with self.database.begin() as session:
            pending = WebhookDelivery.next_attempt_at.is_not(None)
            session.execute(update(WebhookDelivery).where(pending).values(next_attempt_at=NOW))

    @property
    def deliveries(self) -> Sequence[WebhookDelivery]:
        with self.database.begin() as session:
            return session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id)).all()

    def standing(self, endpoint_id: UUID) -> WebhookEndpoint:
        with self.database.begin() as session:
            return session.get_one(WebhookEndpoint, endpoint_id)


@pytest.fixture
def outbox(database: Database, settings: Settings) -> Outbox:
    return Outbox(database, settings)


@pytest.fixture
def end(database: Database, submit: Callable[[], UUID]) -> Callable[[], UUID]:
    """Cancels a job, which is the quickest end."""

    def cancelled() -> UUID:
        job_id = submit()
        with database.begin() as session:
            assert lifecycle.cancel(session, "ada", job_id)
        return job_id

    return cancelled


def test_a_jobs_end_is_sent_with_a_signature(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    _, secret = outbox.endpoint(receiver.url + "/hook?x=1")
    job_id = end()
    assert outbox.sender.round() == 1
    ((headers, body),) = receiver.requests
    message = Webhook(secret).verify(body, headers)  # the reference implementation of Standard Webhooks
    assert message["type"] == "job.cancelled"
    assert message["data"]["id"] == str(job_id)
    assert message["data"]["state"] == "cancelled"
    for changed, wrong in ((body + b" ", headers), (body, headers | {"webhook-id": "msg_1"})):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(changed, wrong)
    (delivery,) = outbox.deliveries
    assert (delivery.attempts, delivery.last_status, delivery.next_attempt_at) == (1, 204, None)
    assert headers["webhook-id"] == f"msg_{delivery.id.hex}"
    assert outbox.sender.round() == 0


@pytest.mark.parametrize("public", [None, "https://prune.example.org"])
def test_links_in_a_message_begin_with_the_public_address(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver], public: str | None
) -> None:
    receiver = receive()
    endpoint_id, _ = outbox.endpoint(receiver.url)
    job_id = end()
    with outbox.database.begin() as session:
        webhook_outbox.send_test(session, session.get_one(WebhookEndpoint, endpoint_id))
    settings = outbox.settings.model_copy(update={"public_url": public})
    assert WebhookSender(outbox.database, settings).round() == 2
    sent = {
        message["type"]: message["data"] for message in (json.loads(body) for _, body in receiver.requests)
    }
    assert sent["job.cancelled"]["url"] == f"{public or ''}/v1/jobs/{job_id}"
    assert sent["job.cancelled"]["page"] == f"{public or ''}/jobs/{job_id}"
    assert sent["webhook.test"] == {"webhook": str(endpoint_id)}


def test_a_message_to_slack_is_a_text_with_a_link_and_a_signature(
    outbox: Outbox, database: Database, submit: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    endpoint_id, secret = outbox.endpoint(receiver.url, kind=MessageFormat.SLACK)
    job_id = submit()
    with database.begin() as session:
        session.execute(update(Job).values(model="/models/<!channel>&co|x"))
        claim = lifecycle.claim(session, job_id, "worker", 30)
    assert claim is not None
    error = JobError(type="invalid_input", message="no <https://evil.example|model>\n" + "x" * 600)
    with database.begin() as session:
        assert lifecycle.fail(session, claim, error)
        webhook_outbox.send_test(session, session.get_one(WebhookEndpoint, endpoint_id))
    settings = outbox.settings.model_copy(update={"public_url": "https://prune.example.org"})
    assert WebhookSender(outbox.database, settings).round() == 3
    texts = []
    for headers, body in receiver.requests:
        message = Webhook(secret).verify(body, headers)
        assert message.keys() == {"text"}
        texts.append(message["text"])
    started, failed, test = sorted(texts, key=lambda text: ("Failed" in text) + 2 * ("test" in text))
    link = f"<https://prune.example.org/jobs/{job_id}|/models/??channel??co?x · "
    assert started.startswith(f"*Started*: {link}")
    head, reason = failed.split("\n")
    assert head.startswith(f"*Failed*: {link}")
    assert reason == "error invalid_input"
    assert "works" in test


def test_a_message_to_slack_without_a_public_address_names_the_job(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    outbox.endpoint(receiver.url, kind=MessageFormat.SLACK)
    job_id = end()
    assert outbox.sender.round() == 1
    ((_, body),) = receiver.requests
    text_sent = json.loads(body)["text"]
    assert text_sent.endswith(f"(job {job_id})")
    assert "<" not in text_sent


@pytest.mark.threat
def test_a_message_that_cannot_be_written_fails_alone(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = receive()
    outbox.endpoint(receiver.url, kind=MessageFormat.SLACK)
    outbox.endpoint(receiver.url)

    def broken(payload: dict[str, object]) -> dict[str, str]:
        raise KeyError(payload["type"])

    monkeypatch.setattr(webhook_sender, "slack_message", broken)
    end()
    assert outbox.sender.round() == 2
    assert len(receiver.requests) == 1
    errors = {delivery.last_error for delivery in outbox.deliveries}
    assert errors == {None, "the message cannot be written; the service's log says why"}


def test_a_start_is_told_once_for_a_submission_and_again_after_a_retry(
    outbox: Outbox, database: Database, submit: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://a.example", "job.started")
    job_id = submit()

    def started() -> int:
        with database.begin() as session:
            claim = lifecycle.claim(session, job_id, "worker", 30)
            assert claim is not None
            assert lifecycle.hand_back(session, claim, "the worker is shutting down")
        return len(outbox.deliveries)

    assert (started(), started()) == (1, 1)
    assert outbox.deliveries[0].payload["type"] == "job.started"
    assert outbox.deliveries[0].payload["data"]["state"] == "running"
    with database.begin() as session:
        assert lifecycle.cancel(session, "ada", job_id)
        assert lifecycle.retry(session, "ada", job_id)
    assert (started(), started()) == (2, 2)


def test_only_the_owners_endpoints_for_that_event_get_a_message(
    outbox: Outbox, end: Callable[[], UUID]
) -> None:
    wanted, _ = outbox.endpoint("https://a.example", "job.cancelled", "job.failed")
    outbox.endpoint("https://b.example", "job.succeeded")
    outbox.endpoint("https://c.example", owner="eve")
    off, _ = outbox.endpoint("https://d.example")
    with outbox.database.begin() as session:
        endpoints.enable(session, session.get_one(WebhookEndpoint, off), enabled=False)
    end()
    assert [delivery.endpoint_id for delivery in outbox.deliveries] == [wanted]


def test_a_missed_gate_sends_a_message_of_its_own(
    outbox: Outbox, database: Database, submit: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://a.example", "job.succeeded", "job.gate_failed")
    job_id = submit()
    with database.begin() as session:
        spec = Job.spec.op("||")({"gate": {"max_perplexity": 11.0}})
        session.execute(update(Job).where(Job.id == job_id).values(spec=spec))
        claim = lifecycle.claim(session, job_id, "w", 30)
        assert claim is not None
        report = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}
        assert lifecycle.succeed(session, claim, report, [])
    sent = {delivery.event: delivery.payload["data"] for delivery in outbox.deliveries}
    assert sent.keys() == {"job.succeeded", "job.gate_failed"}
    assert sent["job.gate_failed"]["gate"]["state"] == "failed"
    assert sent["job.succeeded"]["perplexity"] == {"dense": 10.0, "pruned": 12.5}


def test_an_end_that_is_not_committed_sends_nothing(
    outbox: Outbox, database: Database, submit: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://a.example")
    job_id = submit()
    with database() as session:
        assert lifecycle.cancel(session, "ada", job_id)
        session.rollback()
    assert not outbox.deliveries


def test_an_endpoint_that_is_just_being_deleted_does_not_stop_a_job_from_ending(
    outbox: Outbox, database: Database, end: Callable[[], UUID]
) -> None:
    endpoint_id, _ = outbox.endpoint("https://a.example")
    with ThreadPoolExecutor(1) as pool, database() as session:
        session.delete(session.get_one(WebhookEndpoint, endpoint_id))
        session.flush()
        ending = pool.submit(end)
        waiting = select(func.count()).select_from(text("pg_locks")).where(text("NOT granted"))
        while not session.scalar(waiting):
            assert not ending.done()
        session.commit()
        ending.result()
    assert not outbox.deliveries


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


def test_for_a_day_both_secrets_sign(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    endpoint_id, old = outbox.endpoint(receiver.url)

    def rotate() -> str:
        with outbox.database.begin() as session:
            endpoint = session.get_one(WebhookEndpoint, endpoint_id)
            return encode_secret(endpoints.rotate_secret(session, outbox.secret_box, endpoint))

    new = rotate()
    end()
    outbox.sender.round()
    headers, body = receiver.requests[-1]
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    with outbox.database.begin() as session:
        session.execute(update(WebhookEndpoint).values(previous_secret_until=NOW))
    end()
    outbox.sender.round()
    headers, body = receiver.requests[-1]
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


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
        webhook_outbox.delivered(session, first, 204)  # too late: the second attempt is under way
    assert outbox.deliveries[0].delivered_at is None


def test_two_senders_never_take_the_same_message(outbox: Outbox, end: Callable[[], UUID]) -> None:
    outbox.endpoint("https://a.example")
    for _ in range(4):
        end()
    with outbox.database.begin() as one, outbox.database.begin() as other:
        taken = [due.id for session in (one, other) for due in webhook_outbox.take_due(session, 2, 60)]
    assert len(set(taken)) == 4


def test_secrets_are_stored_encrypted_and_keys_can_be_rotated(outbox: Outbox, settings: Settings) -> None:
    endpoint_id, shown = outbox.endpoint("https://a.example")
    encrypted = outbox.standing(endpoint_id).secret
    assert shown[6:20].encode() not in encrypted
    fresh = SecretStr(Fernet.generate_key().decode())
    assert encode_secret(SecretBox([fresh, *settings.secret_keys]).decrypt(encrypted)) == shown
    with pytest.raises(Unreadable):
        SecretBox([fresh]).decrypt(encrypted)
    with pytest.raises(Unreadable):
        SecretBox([]).decrypt(encrypted)
    with pytest.raises(NoKey):
        SecretBox([]).encrypt(b"secret")


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
def test_a_name_that_does_not_resolve_looks_like_one_of_a_private_host(
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


@pytest.mark.threat
def test_slow_endpoints_of_one_owner_do_not_delay_anothers(
    outbox: Outbox, database: Database, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
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
            for _ in range(100):  # far less than a silent endpoint is waited for
                if receiver.requests:
                    break
                time.sleep(0.1)
        finally:
            sender.stop()
    assert len(receiver.requests) == 1
    assert sum(delivery.attempts for delivery in outbox.deliveries) == webhook_outbox.PER_OWNER + 1


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


def test_old_messages_are_deleted_once_they_are_no_longer_due(
    outbox: Outbox, end: Callable[[], UUID]
) -> None:
    outbox.endpoint("https://a.example")
    end()
    end()
    with outbox.database.begin() as session:
        session.execute(update(WebhookDelivery).values(id=text("uuidv7(interval '-31 days')")))
    first, second = outbox.deliveries
    with outbox.database.begin() as session:
        session.execute(
            update(WebhookDelivery).where(WebhookDelivery.id == first.id).values(next_attempt_at=None)
        )
        webhook_outbox.forget(session, timedelta(days=30))
    assert [delivery.id for delivery in outbox.deliveries] == [second.id]
    assert json.dumps(second.payload)
