"""Webhooks: endpoints, their secrets, and the deliveries to them."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.actions import webhooks
from api.actions.webhooks import find
from api.http.parameters import DeliveryId, WebhookId
from api.problems.base import documented
from api.problems.catalogue import (
    BODY_PROBLEMS,
    InvalidRequest,
    NotConfigured,
    NotFound,
    QuotaExceeded,
)
from api.resources import Database, Resources
from api.schemas.base import PageQuery
from api.schemas.webhooks import (
    DeliveryItem,
    DeliveryPage,
    JobMessage,
    NewWebhook,
    TestMessage,
    WebhookChange,
    WebhookItem,
    WebhookPage,
    WebhookRequest,
)
from api.security.auth import Reader, Writer
from jobs.tables import WebhookDelivery
from jobs.webhooks import endpoints, outbox

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
    return webhooks.create(resources, principal.owner, request)


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
        return WebhookItem.of(find(session, principal.owner, webhook_id))


@router.patch("/{webhook_id}", summary="Change a webhook", responses=documented(NotFound, *BODY_PROBLEMS))
def update_webhook(
    webhook_id: WebhookId, changes: WebhookChange, principal: Writer, resources: Resources
) -> WebhookItem:
    """Change the URL, the events or the format of a webhook, disable it or enable it again.

    The answer shows all of it, so the key needs the scope `jobs:read` too.
    """
    return webhooks.change(resources, principal.owner, webhook_id, changes)


@router.delete(
    "/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a webhook",
    responses=documented(NotFound, InvalidRequest),
)
def delete_webhook(webhook_id: WebhookId, principal: Writer, database: Database) -> None:
    """Delete a webhook and the messages that are still pending for it."""
    with database.begin() as session:
        session.delete(find(session, principal.owner, webhook_id))


@router.post(
    "/{webhook_id}/test",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a test message",
    responses=documented(NotFound, InvalidRequest),
)
def send_test_message(webhook_id: WebhookId, principal: Writer, database: Database) -> DeliveryItem:
    """Queue a `webhook.test` message, whatever the webhook's events. Its deliveries show the outcome."""
    with database.begin() as session:
        delivery_id = outbox.send_test(session, find(session, principal.owner, webhook_id))
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
        find(session, principal.owner, webhook_id)
        rows = outbox.deliveries(session, principal.owner, webhook_id, before=query.cursor, limit=query.rows)
    return DeliveryPage.of(rows, query, DeliveryItem.of)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a message again",
    responses=documented(NotFound, InvalidRequest),
)
def replay_webhook_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, principal: Writer, database: Database
) -> DeliveryItem:
    """Queue a message again under the same `webhook-id`, with a full set of attempts.

    The answer shows its last outcome, so the key needs the scope `jobs:read` too.
    """
    with database.begin() as session:
        delivery = outbox.replay(session, find(session, principal.owner, webhook_id), delivery_id)
        if delivery is None:
            raise NotFound("This webhook has no such delivery.")
        return DeliveryItem.of(delivery)


@messages.post("job.started", summary="A job has started", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_started(message: JobMessage) -> None:
    """Sent when a worker has begun with a job."""


@messages.post("job.succeeded", summary="A job has succeeded", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_succeeded(message: JobMessage) -> None:
    """Sent once a job has succeeded, also if it missed its gate."""


@messages.post("job.failed", summary="A job has failed", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_failed(message: JobMessage) -> None:
    """Sent once a job has failed."""


@messages.post("job.cancelled", summary="A job was cancelled", status_code=status.HTTP_204_NO_CONTENT)
def receive_job_cancelled(message: JobMessage) -> None:
    """Sent once a job is cancelled."""


@messages.post(
    "job.gate_failed", summary="A job did not pass its gate", status_code=status.HTTP_204_NO_CONTENT
)
def receive_job_gate_failed(message: JobMessage) -> None:
    """Sent in addition to `job.succeeded` if the job missed its gate."""


@messages.post("webhook.test", summary="A test message", status_code=status.HTTP_204_NO_CONTENT)
def receive_test_message(message: TestMessage) -> None:
    """Sent on request, to try an endpoint."""
