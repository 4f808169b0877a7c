"""Webhooks: endpoints, their secrets, and the deliveries to them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from urllib.parse import unquote
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from sqlalchemy.orm import Session

from api.http.parameters import DeliveryId, WebhookId
from api.problems.base import FieldError, documented
from api.problems.catalogue import (
    BODY_PROBLEMS,
    InvalidRequest,
    NotConfigured,
    NotFound,
    QuotaExceeded,
)
from api.resources import AppResources, Database, Resources
from api.schemas.base import PageQuery
from api.schemas.webhooks import (
    HIDDEN_PATH,
    DeliveryItem,
    DeliveryPage,
    JobMessage,
    NewWebhook,
    TestMessage,
    WebhookChange,
    WebhookItem,
    WebhookPage,
    WebhookRequest,
    encode_secret,
)
from api.security.auth import Reader, Writer
from jobs.access import audit
from jobs.access.api_keys import Principal
from jobs.access.audit import Action
from jobs.tables import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints, outbox
from jobs.webhooks.endpoints import MessageFormat, NoEncryptionKey, SecretBox
from jobs.webhooks.url_policy import UrlPolicy

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
messages = APIRouter(
    tags=["webhooks"],
    generate_unique_id_function=lambda route: route.name,
    responses={"default": {"description": "Any answer but a 2xx: further attempts follow."}},
)
"""What the service sends to webhooks. Nothing answers here: it is for the OpenAPI document."""


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Create a webhook",
    responses=documented(*BODY_PROBLEMS, QuotaExceeded, NotConfigured),
)
def create_webhook(
    request: WebhookRequest, principal: Writer, resources: Resources, response: Response
) -> NewWebhook:
    """Create a webhook. The answer holds its secret, which cannot be read again.

    Its messages hold the results of all your jobs, so the key needs the scope `jobs:read` too.
    """
    response.headers["Cache-Control"] = "no-store"
    _check_url(resources, request.url)
    box, events = SecretBox(resources.settings.secret_keys), list(dict.fromkeys(request.events))
    with resources.database.begin() as session:
        if endpoints.count(session, principal.owner) >= endpoints.MAX_ENDPOINTS:
            raise QuotaExceeded(f"You may have at most {endpoints.MAX_ENDPOINTS} webhooks. Delete one.")
        try:
            endpoint, secret = endpoints.create(
                session, box, principal.owner, request.url, events, request.format
            )
        except NoEncryptionKey as error:
            raise NotConfigured from error
        _record(session, Action.WEBHOOK_CREATED, principal, endpoint)
        return NewWebhook(**WebhookItem.of(endpoint).model_dump(), secret=encode_secret(secret))


@router.get("", summary="List webhooks, newest first", responses=documented(InvalidRequest))
def list_webhooks(query: Annotated[PageQuery, Query()], principal: Reader, database: Database) -> WebhookPage:
    """List your webhooks."""
    with database.begin() as session:
        rows = endpoints.newest(session, principal.owner, before=query.cursor, limit=query.rows)
    return WebhookPage.of(rows, query, WebhookItem.of)


@router.get("/{webhook_id}", summary="Look up a webhook", responses=documented(NotFound, InvalidRequest))
def get_webhook(webhook_id: WebhookId, principal: Reader, database: Database) -> WebhookItem:
    """Return a webhook, with its events and whether deliveries succeed."""
    with database.begin() as session:
        return WebhookItem.of(_find(session, principal.owner, webhook_id))


@router.patch("/{webhook_id}", summary="Change a webhook", responses=documented(NotFound, *BODY_PROBLEMS))
def change_webhook(
    webhook_id: WebhookId, changes: WebhookChange, principal: Writer, resources: Resources
) -> WebhookItem:
    """Change the URL, the events or the format of a webhook, disable it or enable it again.

    The answer shows all of it, so the key needs the scope `jobs:read` too.
    """
    if changes.url is not None:
        _check_url(resources, changes.url)
    with resources.database.begin() as session:
        endpoint = _find(session, principal.owner, webhook_id)
        _check_format(endpoint, changes)
        if changes.enabled is not None:
            endpoints.enable(session, endpoint, changes.enabled)
        if changes.url is not None:
            endpoint.url = changes.url
        if changes.events is not None:
            endpoint.events = list(dict.fromkeys(changes.events))
        if changes.format is not None:
            endpoint.format = changes.format
        if session.is_modified(endpoint):  # or any key could fill the audit log, which keeps everything
            _record(session, Action.WEBHOOK_CHANGED, principal, endpoint)
        session.flush()
        session.refresh(endpoint)
        return WebhookItem.of(endpoint)


@router.delete(
    "/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a webhook",
    responses=documented(NotFound, InvalidRequest),
)
def delete_webhook(webhook_id: WebhookId, principal: Writer, database: Database) -> None:
    """Delete a webhook and the messages that are still pending for it."""
    with database.begin() as session:
        endpoint = _find(session, principal.owner, webhook_id)
        _record(session, Action.WEBHOOK_DELETED, principal, endpoint)
        session.delete(endpoint)


@router.post(
    "/{webhook_id}/test",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a test message",
    responses=documented(NotFound, InvalidRequest, QuotaExceeded),
)
def send_test_message(webhook_id: WebhookId, principal: Writer, database: Database) -> DeliveryItem:
    """Queue a `webhook.test` message, whatever the webhook's events. Its deliveries show the outcome."""
    with _limited(), database.begin() as session:
        delivery_id = outbox.send_test(session, _find(session, principal.owner, webhook_id))
        return DeliveryItem.of(session.get_one(WebhookDelivery, delivery_id))


@router.get(
    "/{webhook_id}/deliveries",
    summary="List deliveries, newest first",
    responses=documented(NotFound, InvalidRequest),
)
def list_webhook_deliveries(
    webhook_id: WebhookId, query: Annotated[PageQuery, Query()], principal: Reader, database: Database
) -> DeliveryPage:
    """List the messages of the last 30 days, with their last outcome."""
    with database.begin() as session:
        _find(session, principal.owner, webhook_id)
        rows = outbox.deliveries(session, principal.owner, webhook_id, before=query.cursor, limit=query.rows)
    return DeliveryPage.of(rows, query, DeliveryItem.of)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a message again",
    responses=documented(NotFound, InvalidRequest, QuotaExceeded),
)
def replay_webhook_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, principal: Writer, database: Database
) -> DeliveryItem:
    """Queue a message again under the same `webhook-id`, with a full set of attempts.

    The answer shows its last outcome, so the key needs the scope `jobs:read` too.
    """
    with _limited(), database.begin() as session:
        delivery = outbox.replay(session, _find(session, principal.owner, webhook_id), delivery_id)
        if delivery is None:
            raise NotFound("This webhook has no such delivery.")
        return DeliveryItem.of(delivery)


def _find(session: Session, owner: str, webhook_id: UUID) -> WebhookEndpoint:
    """Return one of the owner's webhooks, locked until the transaction ends. Raises NotFound."""
    endpoint = endpoints.get(session, owner, webhook_id)
    if endpoint is None:
        raise NotFound("There is no such webhook, or it belongs to another owner.")
    return endpoint


@contextmanager
def _limited() -> Iterator[None]:
    try:
        yield
    except outbox.TooManyPending as error:
        raise QuotaExceeded(
            f"This webhook has {outbox.MAX_PENDING} pending messages or more. It takes no tests and replays "
            "until some are sent; one that is disabled sends none before it is enabled."
        ) from error


def _record(session: Session, action: Action, principal: Principal, endpoint: WebhookEndpoint) -> None:
    audit.record(session, action, principal, f"webhook {endpoint.id}", endpoint.owner)


def _check_url(resources: AppResources, url: str) -> None:
    try:
        _check_whole(url)
        UrlPolicy.of(resources.settings.webhook_allow).check_url(url)
    except ValueError as error:
        raise InvalidRequest(FieldError(field="url", message=str(error))) from error


def _check_whole(url: str) -> None:
    """Refuse what the address of a Slack webhook is shown as: messages to it would not arrive."""
    if re.fullmatch(rf"[^/]*//[^/]*{HIDDEN_PATH}", unquote(url)):
        raise ValueError("is an address as it is shown, without its path: give all of it, or leave it out")


def _check_format(endpoint: WebhookEndpoint, changes: WebhookChange) -> None:
    """Refuse to show what was hidden: a client that knows a Slack webhook's address can post there."""
    if (
        endpoint.format == MessageFormat.SLACK
        and changes.format == MessageFormat.STANDARD
        and changes.url is None
    ):
        raise InvalidRequest(
            FieldError(
                field="url",
                message="must be given with this format: the address of a Slack webhook is not shown, and "
                "takes no other messages",
            )
        )


@messages.post("job.started", summary="A job has started", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_started(message: JobMessage) -> None:
    """Sent when a worker has begun with a job."""


@messages.post("job.succeeded", summary="A job has succeeded", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_succeeded(message: JobMessage) -> None:
    """Sent once a job has succeeded, also if its gate failed."""


@messages.post("job.failed", summary="A job has failed", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_failed(message: JobMessage) -> None:
    """Sent once a job has failed."""


@messages.post("job.cancelled", summary="A job was cancelled", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_cancelled(message: JobMessage) -> None:
    """Sent once a job is cancelled."""


@messages.post(
    "job.gate_not_passed", summary="A job did not pass its gate", status_code=status.HTTP_204_NO_CONTENT
)
def receive_job_gate_not_passed(message: JobMessage) -> None:
    """Sent in addition to `job.succeeded` if the gate failed or is inconclusive."""


@messages.post("webhook.test", summary="A test message", status_code=status.HTTP_204_NO_CONTENT)
def receive_test_message(message: TestMessage) -> None:
    """Sent on request, to try an endpoint."""
