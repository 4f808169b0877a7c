"""The requests that are not for jobs: uploads, webhooks, the zoo, keys, lists, the caller."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

from pruneserve_client.files import open_file
from pruneserve_client.models import (
    AuditItem,
    AuditPage,
    DeliveryItem,
    DeliveryPage,
    KeyItem,
    KeyPage,
    Me,
    MethodItem,
    MethodList,
    NewKey,
    NewWebhook,
    QueueItem,
    QueueList,
    ShareItem,
    ShareList,
    StorageUse,
    SweepItem,
    SweepPage,
    UploadItem,
    UploadPage,
    WebhookItem,
    WebhookPage,
    WorkerItem,
    WorkerList,
    ZooDetail,
    ZooItem,
    ZooPage,
)
from pruneserve_client.transport import Transport, body_of
from pruneserve_client.wire import CHUNK_BYTES, PAGE, Body, Response, media_type, parse, retry

_UPLOADS = "/v1/uploads"
_WEBHOOKS = "/v1/webhooks"


class Resources:
    """The methods of the client for these resources. They raise the errors that `Client` documents."""

    _transport: Transport

    def me(self) -> Me:
        """Return whose key this is, and what it may do."""
        return self._transport.get("/v1/me", Me)

    def storage(self) -> StorageUse:
        """Return what the owner's jobs and uploads take in the store."""
        return self._transport.get("/v1/storage", StorageUse)

    def methods(self) -> list[MethodItem]:
        """Return the pruning methods, with their formulas and options."""
        return self._transport.get("/v1/methods", MethodList).items

    # Uploads

    def upload(
        self,
        text: Path | bytes,
        *,
        name: str | None = None,
        kind: str | None = None,
        patience: float = 0.0,
    ) -> UploadItem:
        """Upload a text: a .txt or .jsonl file, or bytes with a name and a `kind`, such as `text/plain`.

        Gradient norms are a .safetensors file, and read while they are sent. A request names the upload as
        `upload:<id>`. What the owner has uploaded before is returned. Raises `OSError` for a file that cannot
        be read.
        """
        if isinstance(text, Path):
            path = text

            def send_file() -> UploadItem:
                size = path.stat().st_size
                with open_file(path) as file:
                    chunks = iter(partial(file.read, CHUNK_BYTES), b"")
                    return self._send(chunks, name or path.name, kind or media_type(path), size)

            return retry(send_file, patience)
        content = text
        return retry(
            lambda: self._send(content, name or "text", kind or "text/plain", len(content)), patience
        )

    def _send(self, content: Iterator[bytes] | bytes, name: str, kind: str, size: int) -> UploadItem:
        headers = {"Content-Type": kind, "Content-Length": str(size)}
        with self._transport.exchange(
            "POST", _UPLOADS, content=content, params={"name": name}, headers=headers
        ) as received:
            return parse(UploadItem, body_of(received))

    def uploads(self) -> Iterator[UploadItem]:
        """Yield the owner's uploads, newest first."""
        return self._list(_UPLOADS, UploadPage)

    def delete_upload(self, upload_id: UUID) -> None:
        """Delete an upload. Refused while an unfinished job needs it."""
        self._delete(f"{_UPLOADS}/{upload_id}")

    # Webhooks

    def create_webhook(self, webhook: Body) -> NewWebhook:
        """Create a webhook: a `WebhookRequest`, or its JSON object. No other response holds its secret."""
        return self._transport.post(_WEBHOOKS, NewWebhook, webhook)

    def webhooks(self) -> Iterator[WebhookItem]:
        """Yield the owner's webhooks, newest first."""
        return self._list(_WEBHOOKS, WebhookPage)

    def webhook(self, webhook_id: UUID) -> WebhookItem:
        """Return one webhook."""
        return self._transport.get(f"{_WEBHOOKS}/{webhook_id}", WebhookItem)

    def change_webhook(self, webhook_id: UUID, changes: Body) -> WebhookItem:
        """Change a webhook: a `WebhookChange`, or its JSON object."""
        return self._patch(f"{_WEBHOOKS}/{webhook_id}", WebhookItem, changes)

    def delete_webhook(self, webhook_id: UUID) -> None:
        """Delete a webhook, with what was not yet delivered to it."""
        self._delete(f"{_WEBHOOKS}/{webhook_id}")

    def send_test_message(self, webhook_id: UUID) -> DeliveryItem:
        """Send a test message to a webhook."""
        return self._transport.post(f"{_WEBHOOKS}/{webhook_id}/test", DeliveryItem)

    def webhook_deliveries(self, webhook_id: UUID) -> Iterator[DeliveryItem]:
        """Yield the messages to a webhook, newest first, and what became of them."""
        return self._list(f"{_WEBHOOKS}/{webhook_id}/deliveries", DeliveryPage)

    def replay_webhook_delivery(self, webhook_id: UUID, delivery_id: UUID) -> DeliveryItem:
        """Send a message again."""
        return self._transport.post(f"{_WEBHOOKS}/{webhook_id}/deliveries/{delivery_id}/replay", DeliveryItem)

    # Zoo

    def zoo(self, *, search: str | None = None, method: str | None = None) -> Iterator[ZooItem]:
        """Yield the entries of the zoo: of all, or of those whose name or model contains `search`."""
        return self._list("/v1/zoo", ZooPage, search=search, method=method)

    def zoo_entry(self, slug: str) -> ZooDetail:
        """Return an entry of the zoo, with its files."""
        return self._transport.get(f"/v1/zoo/{quote(slug, safe='')}", ZooDetail)

    def promote(self, promotion: Body) -> ZooDetail:
        """Add a succeeded job to the zoo: a `PromotionRequest`, or its JSON object."""
        return self._transport.post("/v1/zoo", ZooDetail, promotion)

    def withdraw(self, slug: str) -> None:
        """Take an entry out of the zoo. Its job stays."""
        self._delete(f"/v1/zoo/{quote(slug, safe='')}")

    # Sweeps, keys, workers and queues, the audit log

    def sweeps(self) -> Iterator[SweepItem]:
        """Yield the owner's sweeps without their jobs, newest first."""
        return self._list("/v1/sweeps", SweepPage)

    def create_key(self, key: Body) -> NewKey:
        """Create an API key: a `KeyRequest`, or its JSON object. No other response holds its secret."""
        return self._transport.post("/v1/keys", NewKey, key)

    def keys(self, *, everyone: bool = False) -> Iterator[KeyItem]:
        """Yield the keys that are not revoked, newest first: the owner's, or everyone's, for an admin."""
        return self._list("/v1/keys", KeyPage, everyone=everyone)

    def revoke_key(self, key_id: UUID, *, cascade: bool = False) -> None:
        """Revoke a key: its next request is refused. With `cascade`, also revoke the keys that it made."""
        self._delete(f"/v1/keys/{key_id}", cascade=cascade)

    def workers(self) -> list[WorkerItem]:
        """Return the service's workers, those that take no jobs first; needs an admin key."""
        return self._transport.get("/v1/workers", WorkerList).items

    def cordon_worker(self, name: str) -> WorkerItem:
        """Let a worker take no more jobs; needs an admin key."""
        return self._available(name, "cordoned")

    def uncordon_worker(self, name: str) -> WorkerItem:
        """Let a worker take jobs again; needs an admin key."""
        return self._available(name, "active")

    def drain_worker(self, name: str) -> WorkerItem:
        """Let a worker finish its job, take no other, and end; needs an admin key."""
        return self._available(name, "draining")

    def queues(self) -> list[QueueItem]:
        """Return the queues with their jobs and workers; needs an admin key."""
        return self._transport.get("/v1/queues", QueueList).items

    def pause_queue(self, name: str) -> QueueItem:
        """Let no worker claim a job of a queue; needs an admin key."""
        return self._patch(f"/v1/queues/{quote(name, safe='')}", QueueItem, {"paused": True})

    def resume_queue(self, name: str) -> QueueItem:
        """Let workers claim the jobs of a queue again; needs an admin key."""
        return self._patch(f"/v1/queues/{quote(name, safe='')}", QueueItem, {"paused": False})

    def _available(self, worker: str, availability: str) -> WorkerItem:
        path = f"/v1/workers/{quote(worker, safe='')}"
        return self._patch(path, WorkerItem, {"availability": availability})

    def shares(self, *, days: int | None = None) -> list[ShareItem]:
        """Return what the owner may take of the workers, and its GPU seconds of so many days (30).

        With an admin key the list has every owner.
        """
        return self._transport.get("/v1/shares", ShareList, days=days).items

    def set_share(self, owner: str, share: Body) -> ShareItem:
        """Change an owner's share: a `ShareChange`, or its JSON object; needs an admin key."""
        return self._patch(f"/v1/shares/{quote(owner, safe='')}", ShareItem, share)

    def audit_records(self) -> Iterator[AuditItem]:
        """Yield the audit log, newest first; needs an admin key."""
        return self._list("/v1/audit", AuditPage)

    def _patch(self, path: str, kind: type[Response], changes: Body) -> Response:
        with self._transport.exchange("PATCH", path, json=changes) as received:
            return parse(kind, body_of(received))

    def _list(self, path: str, page_type: type[Any], **query: Any) -> Iterator[Any]:  # noqa: ANN401 - of any list
        cursor = None
        while True:
            page = self._transport.get(path, page_type, limit=PAGE, **query, cursor=cursor)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return

    def _delete(self, path: str, **query: Any) -> None:  # noqa: ANN401 - what httpx takes
        with self._transport.exchange("DELETE", path, params=query):
            pass
