"""Sends the webhooks in the outbox, in a thread of the scheduler, many messages at a time.

A message that has been sent, or given up, makes place for the next at once: slow endpoints delay no others,
and an owner has a part of the places. No transaction is open while a message is being sent. Several
schedulers share the work; a message whose sender was killed is sent by another one, a little later.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Collection, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.monitoring.catalogue import WEBHOOK_ATTEMPTS
from jobs.monitoring.metrics import record_on_commit
from jobs.settings import Settings
from jobs.webhooks import outbox
from jobs.webhooks.endpoints import MessageFormat, SecretBox, UndecryptableSecret
from jobs.webhooks.outbox import DueMessage
from jobs.webhooks.url_policy import UrlPolicy
from pruning.version import pruneserve_version
from scheduler import safe_http
from scheduler.background import Background
from scheduler.safe_http import RequestFailed, Resolve

Outcome = tuple[int | None, str | None]
"""The status of the response to a message, if any, and what went wrong, if anything."""

log = logging.getLogger(__name__)

_POLL_SECONDS = 1.0  # into the outbox, while nothing ends
_SECONDS_TOGETHER = 0.05  # what ends within it is recorded in one transaction
_SECONDS_AFTER_FAILURE = 5.0
_CONCURRENCY = 64
_LEASE_SECONDS = 120.0  # far longer than sending one message can take
_SECONDS_BETWEEN_CLEANUPS = 3600.0
_DISABLE_DAYS = 5.0  # without a successful delivery
_DELIVERY_DAYS = 30.0  # for which deliveries are kept
_LINKS = ("url", "page")
_MAX_TEXT_LENGTH = 200

# A point is left in `1.7B`, but neither in a name of a host nor in an address of numbers,
# a colon in `2:4`, and an underscore in `gpt_neo`.
_MARKUP = re.compile(
    r"(?!(?<=[0-9])[.:](?=[0-9])(?![0-9]+[.:])|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))[^A-Za-z0-9 /-]"
)

_TITLES = {
    "job.started": "Started",
    "job.succeeded": "Succeeded",
    "job.failed": "Failed",
    "job.cancelled": "Cancelled",
    "job.gate_not_passed": "Did not pass its gate",
}


def signed_headers(secret: bytes, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of Standard Webhooks, with a signature of id, time and body."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


class WebhookSender(Background):
    """Sends what is due, in rounds."""

    name = "webhooks"

    def __init__(
        self, database: Database, settings: Settings, *, resolve: Resolve = safe_http.resolve
    ) -> None:
        """`settings`: where messages may go, which keys encrypt secrets, when to disable an endpoint."""
        super().__init__(_POLL_SECONDS, after_failure=_SECONDS_AFTER_FAILURE, at_once=True)
        self._database = database
        self._secret_box = SecretBox(settings.secret_keys)
        self._url_policy = UrlPolicy.of(settings.webhook_allow)
        self._public_url = settings.public_url
        self._disable_after = timedelta(days=_DISABLE_DAYS)
        self._keep = timedelta(days=_DELIVERY_DAYS)
        self._resolve = resolve
        self._cleaned_up_at: float | None = None

    def round(self) -> int:
        """Send until nothing is due and nothing is under way. Return how many messages were sent.

        Once stopped, it does not wait for messages being sent: they are sent again, a little later.
        """
        return asyncio.run(self._send_while_due())

    async def _send_while_due(self) -> int:
        count, sending = 0, dict[asyncio.Task[Outcome], DueMessage]()
        while not self._between.stopped:
            taken = self._take(sending.values())
            sending |= {asyncio.create_task(self._send(due)): due for due in taken}
            count += len(taken)
            self._clean_up()
            if not sending:
                break
            await asyncio.wait(sending, timeout=_POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(_SECONDS_TOGETHER)
            ended = [task for task in sending if task.done()]
            self._record_all([(sending.pop(task), task.result()) for task in ended])
        return count

    def _take(self, sending: Collection[DueMessage]) -> list[DueMessage]:
        free = _CONCURRENCY - len(sending)
        if not free:
            return []
        with self._database.begin() as session:
            return outbox.take_due(session, free, _LEASE_SECONDS, sending)

    def _record_all(self, ended: Sequence[tuple[DueMessage, Outcome]]) -> None:
        if ended:
            with self._database.begin() as session:
                for due, (status, error) in ended:
                    self._record(session, due, status, error)

    async def _send(self, due: DueMessage) -> Outcome:
        """Send one message."""
        try:
            secret = self._secret_box.decrypt(due.encrypted_secret)
        except UndecryptableSecret:
            return None, "the endpoint's secret cannot be read: PRUNESERVE_SECRET_KEYS lacks the key"
        try:
            body = self._body(due)
        except Exception:  # one message that cannot be written keeps no other from being sent
            log.exception("webhook %s cannot be written", due.id)
            return None, "the message cannot be written; the service's log says why"
        headers = signed_headers(secret, f"msg_{due.id.hex}", int(time.time()), body) | {
            "content-type": "application/json",
            "user-agent": f"PruneServe/{pruneserve_version()}",
        }
        try:
            self._url_policy.check_url(due.url)  # the operator may have changed what is allowed
            status = await safe_http.post(due.url, headers, body, self._url_policy, resolve=self._resolve)
        except (RequestFailed, ValueError) as error:
            return None, str(error)
        except Exception:  # one answer that breaks its reader keeps no other message from being sent
            log.exception("webhook %s cannot be sent", due.id)
            return None, "the message cannot be sent; the service's log says why"
        accepted = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return status, None if accepted else f"answered with status {status}"

    def _body(self, due: DueMessage) -> bytes:
        message = self._linked(due.payload)
        if due.format == MessageFormat.SLACK:
            message = slack_message(message)
        return json.dumps(message, separators=(",", ":")).encode()

    def _linked(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return a message whose links begin with the public address of the service, if it has one."""
        data = payload["data"]
        links = {name: f"{self._public_url or ''}{data[name]}" for name in _LINKS if name in data}
        return payload | {"data": data | links}

    def _record(self, session: Session, due: DueMessage, status: int | None, error: str | None) -> None:
        if error is None and status is not None:
            outbox.record_delivery(session, due, status)
            record_on_commit(session, WEBHOOK_ATTEMPTS, outcome="delivered")
            return
        record_on_commit(session, WEBHOOK_ATTEMPTS, outcome="failed")
        gone = status == HTTPStatus.GONE
        disabled = outbox.record_failure(
            session, due, status, error or "", gone=gone, disable_after=self._disable_after
        )
        log.info("webhook %s, attempt %d: %s", due.id, due.attempt, error)
        if disabled:
            log.warning("webhook endpoint %s is disabled: %s", due.endpoint_id, disabled)

    def _clean_up(self) -> None:
        now = time.monotonic()
        if self._cleaned_up_at is None or now - self._cleaned_up_at > _SECONDS_BETWEEN_CLEANUPS:
            with self._database.begin() as session:
                outbox.delete_old(session, self._keep)
            self._cleaned_up_at = now


def slack_message(payload: dict[str, Any]) -> dict[str, str]:
    """Return the message for the body of a Standard Webhook, whose links are absolute if they can be."""
    data = payload["data"]
    if "model" not in data:
        return {"text": "A test message of PruneServe: this webhook works."}
    event = _TITLES.get(payload["type"], _without_markup(payload["type"]))
    return {"text": "\n".join([f"*{event}*: {_link(data)}", *_result(data), *_error(data)])}


def _link(data: dict[str, Any]) -> str:
    what = [_without_markup(data["model"]), _without_markup(data["method"])]
    if data["sparsity"]:
        what += [_without_markup(data["pattern"]), f"{data['sparsity']:.0%} sparsity"]
    label, page = " · ".join(what), data["page"]
    # Without the service's public address there is no link that would work in Slack.
    if page.startswith(("https://", "http://")):
        return f"<{page}|{label}>"
    return f"{label} (job {data['id']})"


def _result(data: dict[str, Any]) -> list[str]:
    measured = data["perplexity"] or {}
    dense, pruned = measured.get("dense"), measured.get("pruned")
    if dense is None or pruned is None:
        return []
    gate = data["gate"]
    gate_state = f", gate {_without_markup(gate['state'])}" if gate else ""
    return [f"perplexity {dense:.2f} → {pruned:.2f}{gate_state}"]


def _error(data: dict[str, Any]) -> list[str]:
    return [f"error {_without_markup(data['error']['type'])}"] if data["error"] else []


def _without_markup(text: str) -> str:
    """Return a text in which Slack, Mattermost and Rocket.Chat find no link, no mention and no markup."""
    neutral = _MARKUP.sub("?", text)
    return neutral if len(neutral) <= _MAX_TEXT_LENGTH else f"{neutral[:_MAX_TEXT_LENGTH]}…"
