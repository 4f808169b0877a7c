"""Sends what the outbox holds, beside the dispatching: in a thread of its own, some messages at a time.

No transaction is open while a message is on its way. Several dispatchers share the work; a message whose
sender was killed is sent by another, a little later.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from http import HTTPStatus
from importlib.metadata import version

from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE
from jobs.settings import Settings
from jobs.webhooks import outbox
from jobs.webhooks.encryption import SecretBox, Unreadable
from jobs.webhooks.outbox import Due
from jobs.webhooks.url_policy import Targets
from worker.dispatcher import safe_http
from worker.dispatcher.safe_http import Failed, Resolve

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 1.0
_SECONDS_AFTER_TROUBLE = 5.0
_AT_ONCE = 16
_LEASE_SECONDS = 120.0  # well beyond the longest that a message takes
_SECONDS_BETWEEN_CLEARINGS = 3600.0


def signed_headers(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: a signature under each secret over id, time and body."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, content, hashlib.sha256)) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature.decode()}" for signature in signatures),
    }


class WebhookSender:
    """One round after the other, until it is stopped."""

    def __init__(
        self, database: sessionmaker[Session], limits: Settings, *, resolve: Resolve = safe_http.resolve
    ) -> None:
        """`limits`: where messages may go, how the secrets are sealed, when an endpoint is given up."""
        self._database = database
        self._seal = SecretBox(limits.secret_keys)
        self._targets = Targets.of(limits.webhook_allow)
        self._disable_after = timedelta(days=limits.webhook_disable_days)
        self._keep = timedelta(days=limits.webhook_delivery_days)
        self._resolve = resolve
        self._cleared_at: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin, in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no further round. What is on its way is not waited for: another round sends it again."""
        self._stopping.set()

    def round(self) -> int:
        """Send what is due, and write what became of it. Returns how many messages there were."""
        with self._database.begin() as session:
            due = outbox.take_due(session, _AT_ONCE, _LEASE_SECONDS)
        if due:
            asyncio.run(self._send_all(due))
        self._clear()
        return len(due)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                pause = 0.0 if self.round() == _AT_ONCE else _SECONDS_BETWEEN_ROUNDS
            except DATABASE_UNAVAILABLE as error:
                log.warning("webhooks wait for the database (%s)", type(error).__name__)
                pause = _SECONDS_AFTER_TROUBLE
            except Exception:
                log.exception("a round of webhooks failed")
                pause = _SECONDS_AFTER_TROUBLE
            self._stopping.wait(pause)

    async def _send_all(self, dues: Sequence[Due]) -> None:
        outcomes = await asyncio.gather(*(self._send(due) for due in dues))
        with self._database.begin() as session:
            for due, (status, error) in zip(dues, outcomes, strict=True):
                self._write(session, due, status, error)

    async def _send(self, due: Due) -> tuple[int | None, str | None]:
        """The status of the answer, and what was wrong if anything was."""
        try:
            secrets = [self._seal.unseal(sealed) for sealed in due.sealed_secrets]
        except Unreadable:
            return None, "the endpoint's secret cannot be read: PRUNESERVE_SECRET_KEYS lacks its key"
        body = json.dumps(due.payload, separators=(",", ":")).encode()
        headers = signed_headers(secrets, f"msg_{due.id.hex}", int(time.time()), body) | {
            "content-type": "application/json",
            "user-agent": f"PruneServe/{version('pruneserve')}",
        }
        try:
            self._targets.check_url(due.url)  # what the operator allows may have changed
            status = await safe_http.post(due.url, headers, body, self._targets, resolve=self._resolve)
        except (Failed, ValueError) as error:
            return None, str(error)
        taken = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return status, None if taken else f"answered with status {status}"

    def _write(self, session: Session, due: Due, status: int | None, error: str | None) -> None:
        if error is None and status is not None:
            outbox.delivered(session, due, status)
            return
        gone = status == HTTPStatus.GONE
        disabled = outbox.failed(
            session, due, status, error or "", gone=gone, disable_after=self._disable_after
        )
        log.info("webhook %s, attempt %d: %s", due.id, due.attempt, error)
        if disabled:
            log.warning("webhook endpoint %s is disabled: %s", due.endpoint_id, disabled)

    def _clear(self) -> None:
        now = time.monotonic()
        if self._cleared_at is None or now - self._cleared_at > _SECONDS_BETWEEN_CLEARINGS:
            with self._database.begin() as session:
                outbox.forget(session, self._keep)
            self._cleared_at = now
