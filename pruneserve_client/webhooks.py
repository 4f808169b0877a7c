"""Verify a message to a webhook, by the scheme of Standard Webhooks.

A signature is the base64 of HMAC-SHA-256(secret, "<webhook-id>.<webhook-timestamp>.<body>"), see
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from pruneserve_client.errors import InvalidArgument, InvalidSignature, UnexpectedResponse
from pruneserve_client.models import JobMessage, TestMessage

Message = JobMessage | TestMessage

_PREFIX = "whsec_"
_VERSION = "v1,"
_TOLERANCE_SECONDS = 300.0
_SECONDS = re.compile(r"[0-9]{1,12}")
_MESSAGE: TypeAdapter[Message] = TypeAdapter(TestMessage | JobMessage)


def verify_webhook(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance: float = _TOLERANCE_SECONDS,
) -> Message:
    """Return the message that a webhook has received, once its signature proves who has sent it.

    `secret` is the webhook's (`whsec_…`), `headers` and `body` the request as it arrived: the bytes, not what
    a framework has parsed. A message may arrive more than once, always with the same `webhook-id`.

    Raises:
        InvalidSignature: a header is missing, no signature is of this secret, or the time of the message is
            more than `tolerance` seconds from this machine's clock, as when a third party replays it.
        InvalidArgument: the secret is malformed.
        UnexpectedResponse: the body is signed, but no message about a job, as those in Slack's format.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (
        sent.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not (message_id and _SECONDS.fullmatch(timestamp) and signatures):
        raise InvalidSignature("webhook-id, webhook-timestamp and webhook-signature are not all there")
    signed = f"{message_id}.{timestamp}.".encode(errors="replace") + body
    expected = base64.b64encode(hmac.digest(_bytes_of(secret), signed, hashlib.sha256)).decode()
    # While a secret is being replaced, there is a signature for each of the two.
    given = [each.removeprefix(_VERSION) for each in signatures.split() if each.startswith(_VERSION)]
    if not any(hmac.compare_digest(each.encode(errors="replace"), expected.encode()) for each in given):
        raise InvalidSignature("no signature of the message is of this secret")
    if abs(time.time() - int(timestamp)) > tolerance:
        raise InvalidSignature(f"the message is more than {tolerance:g} seconds from this machine's clock")
    try:
        return _MESSAGE.validate_json(body)
    except ValidationError as error:
        raise UnexpectedResponse("the body is signed, but it is not a message about a job") from error


def _bytes_of(secret: str) -> bytes:
    try:
        decoded = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not decoded:
        raise InvalidArgument(
            "the secret of a webhook is whsec_ and base64, as it was shown when it was made"
        )
    return decoded
