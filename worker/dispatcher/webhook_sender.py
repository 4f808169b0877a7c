"""Sends the webhooks in the outbox, in a thread of the dispatcher, several messages at a time.

No transaction is open while a message is being sent. Several dispatchers share the work; a message whose
sender was killed is sent by another one, a little later.
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

from sqlalchemy.orm import Session, sessionmaker

from jobs.database import DATABASE_UNAVAILABLE
from jobs.settings import Settings
from jobs.webhooks import outbox
from jobs.webhooks.encryption import SecretBox, Unreadable
from jobs.webhooks.outbox import Due
from jobs.webhooks.url_policy import UrlPolicy
from pruning.version import pruneserve_version
from worker.dispatcher import safe_http
from worker.dispatcher.safe_http import Failed, Resolve

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_ROUNDS = 1.0
_SECONDS_AFTER_FAILURE = 5.0
_CONCURRENCY = 16
_LEASE_SECONDS = 120.0  # far longer than sending one message can take
_SECONDS_BETWEEN_CLEANUPS = 3600.0


def signed_headers(secrets: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with a signature of id, time and body under each secret."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(secret, content, hashlib.sha256)) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature.decode()}" for signature in signatures),
    }


class WebhookSender:
    """Runs one round after another in the background until it is stopped."""

    def __init__(
        self, database: sessionmaker[Session], settings: Settings, *, resolve: Resolve = safe_http.resolve
    ) -> None:
        """`settings`: where messages may go, which keys encrypt secrets, when to disable an endpoint."""
        self._database = database
        self._secret_box = SecretBox(settings.secret_keys)
        self._url_policy = UrlPolicy.of(settings.webhook_allow)
        self._disable_after = timedelta(days=settings.webhook_disable_days)
        self._keep = timedelta(days=settings.webhook_delivery_days)
        self._resolve = resolve
        self._cleaned_up_at: float | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Start no other round. Messages being sent are not waited for: a later round sends them again."""
        self._stopped.set()

    def round(self) -> int:
        """Send the messages that are due and record the outcomes. Return how many there were."""
        with self._database.begin() as session:
            due = outbox.take_due(session, _CONCURRENCY, _LEASE_SECONDS)
        if due:
            asyncio.run(self._send_all(due))
        self._clean_up()
        return len(due)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                pause = 0.0 if self.round() == _CONCURRENCY else _SECONDS_BETWEEN_ROUNDS
            except DATABASE_UNAVAILABLE as error:
                log.warning("webhooks are put off, the database is unavailable (%s)", type(error).__name__)
                pause = _SECONDS_AFTER_FAILURE
            except Exception:
                log.exception("a round of webhooks failed; the next one tries again")
                pause = _SECONDS_AFTER_FAILURE
            self._stopped.wait(pause)

    async def _send_all(self, dues: Sequence[Due]) -> None:
        outcomes = await asyncio.gather(*(self._send(due) for due in dues))
        with self._database.begin() as session:
            for due, (status, error) in zip(dues, outcomes, strict=True):
                self._record(session, due, status, error)

    async def _send(self, due: Due) -> tuple[int | None, str | None]:
        """Send one message. Return the status of the response, if any, and what went wrong, if anything."""
        try:
            secrets = [self._secret_box.decrypt(encrypted) for encrypted in due.encrypted_secrets]
        except Unreadable:
            return None, "the endpoint's secret cannot be read: PRUNESERVE_SECRET_KEYS lacks the key"
        body = json.dumps(due.payload, separators=(",", ":")).encode()
        headers = signed_headers(secrets, f"msg_{due.id.hex}", int(time.time()), body) | {
            "content-type": "application/json",
            "user-agent": f"PruneServe/{pruneserve_version()}",
        }
        try:
            self._url_policy.check_url(due.url)  # the operator may have changed what is allowed
            status = await safe_http.post(due.url, headers, body, self._url_policy, resolve=self._resolve)
        except (Failed, ValueError) as error:
            return None, str(error)
        accepted = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return status, None if accepted else f"answered with status {status}"

    def _record(self, session: Session, due: Due, status: int | None, error: str | None) -> None:
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

    def _clean_up(self) -> None:
        now = time.monotonic()
        if self._cleaned_up_at is None or now - self._cleaned_up_at > _SECONDS_BETWEEN_CLEANUPS:
            with self._database.begin() as session:
                outbox.forget(session, self._keep)
            self._cleaned_up_at = now
