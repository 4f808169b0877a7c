"""Which messages webhooks send, with a real outbox and a real HTTP server in this process."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.tables import Job, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks import outbox as webhook_outbox
from jobs.webhooks.endpoints import MessageFormat
from scheduler import safe_http, webhook_sender
from scheduler.webhook_sender import WebhookSender
from tests.claims import claimed, wait_until_blocked
from tests.conftest import Submit
from tests.scheduler.receiver import Receiver
from tests.scheduler.webhooks.outbox import Outbox


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
    outbox: Outbox, database: Database, submit: Submit, receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    endpoint_id, secret = outbox.endpoint(receiver.url, kind=MessageFormat.SLACK)
    job_id = submit()
    with database.begin() as session:
        session.execute(update(Job).values(model="/models/<!channel>&co|x"))
        claim = claimed(session, job_id, "worker")
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


def test_an_answer_that_breaks_its_reader_fails_alone(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, breaking = receive(), receive()
    outbox.endpoint(breaking.url)
    outbox.endpoint(receiver.url)
    post = safe_http.post

    async def breaks(url: str, *arguments: Any, **named: Any) -> int:
        if url == breaking.url:
            raise OSError("as no library says that it raises")
        return await post(url, *arguments, **named)

    monkeypatch.setattr(safe_http, "post", breaks)
    end()
    assert outbox.sender.round() == 2
    assert len(receiver.requests) == 1
    errors = {delivery.last_error for delivery in outbox.deliveries}
    assert errors == {None, "the message cannot be sent; the service's log says why"}


def test_a_start_is_announced_once_per_submission_and_again_after_a_retry(
    outbox: Outbox, database: Database, submit: Submit
) -> None:
    outbox.endpoint("https://a.example", "job.started")
    job_id, other = submit(), submit()

    def started(job_id: UUID = job_id) -> int:
        with database.begin() as session:
            claim = claimed(session, job_id, "worker")
            assert lifecycle.hand_back(session, claim, "the worker is shutting down")
        return sum(each.payload["data"]["id"] == str(job_id) for each in outbox.deliveries)

    assert started(other) == 1
    assert (started(), started()) == (1, 1)
    assert outbox.deliveries[0].payload["type"] == "job.started"
    assert outbox.deliveries[0].payload["data"]["state"] == "running"
    with database.begin() as session:
        assert owner_moves.cancel(session, "ada", job_id)
        assert owner_moves.retry(session, "ada", job_id)
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


def test_a_missed_gate_sends_a_message_of_its_own(outbox: Outbox, database: Database, submit: Submit) -> None:
    outbox.endpoint("https://a.example", "job.succeeded", "job.gate_not_passed")
    job_id = submit()
    with database.begin() as session:
        spec = Job.spec.op("||")({"gate": {"max_perplexity": 11.0}})
        session.execute(update(Job).where(Job.id == job_id).values(spec=spec))
        claim = claimed(session, job_id, "w")
        report = {"perplexity": {"dense": 10.0, "pruned": 12.5}, "sparsity": {"overall": 0.5}}
        assert lifecycle.succeed(session, claim, report, [])
    sent = {delivery.event: delivery.payload["data"] for delivery in outbox.deliveries}
    assert sent.keys() == {"job.succeeded", "job.gate_not_passed"}
    assert sent["job.gate_not_passed"]["gate"]["state"] == "failed"
    assert sent["job.succeeded"]["perplexity"] == {"dense": 10.0, "pruned": 12.5}


def test_an_end_that_is_not_committed_sends_nothing(
    outbox: Outbox, database: Database, submit: Submit
) -> None:
    outbox.endpoint("https://a.example")
    job_id = submit()
    with database() as session:
        assert owner_moves.cancel(session, "ada", job_id)
        session.rollback()
    assert not outbox.deliveries


def test_an_endpoint_that_is_being_deleted_does_not_block_the_end_of_a_job(
    outbox: Outbox, database: Database, end: Callable[[], UUID]
) -> None:
    endpoint_id, _ = outbox.endpoint("https://a.example")
    with ThreadPoolExecutor(1) as pool, database() as session:
        session.delete(session.get_one(WebhookEndpoint, endpoint_id))
        session.flush()
        ending = pool.submit(end)
        wait_until_blocked(database)
        session.commit()
        ending.result()
    assert not outbox.deliveries
