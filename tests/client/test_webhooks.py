"""Messages to a webhook are verified as the library of Standard Webhooks signs them."""

import base64
import json
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from standardwebhooks.webhooks import Webhook

from pruneserve_client import InvalidArgument, InvalidSignature, UnexpectedResponse, models, verify_webhook
from tests.scripted_server import NOW, Document

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes ...").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret").decode()


def job_message() -> Document:
    facts = {"model": "org/name", "method": "gblm", "pattern": "2:4", "sparsity": 0.5, "labels": {}}
    links = {"id": str(uuid4()), "url": "/v1/jobs/1", "page": "/jobs/1", "state": "failed", "attempt": 1}
    data = facts | links | {"perplexity": None, "gate": None, "error": None}
    return {"type": "job.failed", "timestamp": NOW, "data": data}


def signed(body: str, *secrets: str, ago: float = 0.0) -> dict[str, str]:
    at = datetime.fromtimestamp(time.time() - ago, UTC)
    signatures = " ".join(Webhook(secret).sign("msg_1", at, body) for secret in secrets)
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": signatures,
    }


@pytest.mark.parametrize("secrets", [(SECRET,), (OTHER, SECRET)])
def test_a_message_with_a_signature_of_the_secret_is_read(secrets: tuple[str, ...]) -> None:
    body = json.dumps(job_message())
    message = verify_webhook(SECRET, signed(body, *secrets), body.encode())
    assert isinstance(message, models.JobMessage)
    assert (message.type, message.data.state) == ("job.failed", "failed")


def test_a_test_message_is_one() -> None:
    body = json.dumps({"type": "webhook.test", "timestamp": NOW, "data": {"webhook": str(uuid4())}})
    assert isinstance(verify_webhook(SECRET, signed(body, SECRET), body.encode()), models.TestMessage)


@pytest.mark.parametrize(
    "change",
    [
        {"Webhook-Id": "msg_2"},
        {"Webhook-Timestamp": "1767322800"},
        {"Webhook-Timestamp": "soon"},
        {"Webhook-Signature": ""},
        {"Webhook-Signature": "v1,é v1a,x v1"},
    ],
)
def test_a_header_that_was_changed_is_noticed(change: dict[str, str]) -> None:
    body = json.dumps(job_message())
    with pytest.raises(InvalidSignature):
        verify_webhook(SECRET, signed(body, SECRET) | change, body.encode())


def test_another_body_another_secret_or_an_old_message_is_refused() -> None:
    body = json.dumps(job_message())
    with pytest.raises(InvalidSignature, match="no signature"):
        verify_webhook(SECRET, signed(body, SECRET), body.encode() + b" ")
    with pytest.raises(InvalidSignature, match="no signature"):
        verify_webhook(SECRET, signed(body, OTHER), body.encode())
    old = signed(body, SECRET, ago=400)
    with pytest.raises(InvalidSignature, match="300 seconds"):
        verify_webhook(SECRET, old, body.encode())
    assert verify_webhook(SECRET, old, body.encode(), tolerance=500).type == "job.failed"
    with pytest.raises(InvalidSignature, match="not all there"):
        verify_webhook(SECRET, {}, body.encode())


@pytest.mark.parametrize("secret", ["", "whsec_", "ps_key"])
def test_a_secret_that_is_none_is_named(secret: str) -> None:
    with pytest.raises(InvalidArgument, match="whsec_"):
        verify_webhook(secret, signed("{}", SECRET), b"{}")


def test_a_signed_body_that_is_no_message_is_named() -> None:
    body = json.dumps({"text": "for Slack"})
    with pytest.raises(UnexpectedResponse, match="not a message about a job"):
        verify_webhook(SECRET, signed(body, SECRET), body.encode())
