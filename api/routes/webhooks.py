"""Webhooks: endpoints, their secrets, and what was sent to them."""

import base64
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.http import pagination
from api.http.pagination import PageWanted
from api.problems.problems import (
    BodyTooLarge,
    FieldError,
    InvalidRequest,
    MalformedRequest,
    NotConfigured,
    NotFound,
    QuotaExceeded,
    UnsupportedMediaType,
    documented,
)
from api.resources import Database, Parts, Service
from api.security.auth import Reader, Writer
from jobs.tables import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import endpoints, outbox
from jobs.webhooks.encryption import NoKey, SecretBox
from jobs.webhooks.outbox import WebhookEvent
from jobs.webhooks.url_policy import Targets
from pruning.recipe import Text

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

_NO_ENDPOINT = "There is no such webhook under this API key."
_BODY_REFUSALS = (MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest)

Events = Annotated[list[WebhookEvent], Field(min_length=1, max_length=len(WebhookEvent))]
Address = Annotated[Text, Field(examples=["https://hooks.example.org/pruneserve"])]


class WebhookRequest(BaseModel):
    """Where to send what."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: Address = Field(description="https, at a public address unless the operator allows another.")
    events: Events = Field([*WebhookEvent], description="What to be told of; everything when left out.")


class WebhookChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    url: Address | None = None
    events: Events | None = None
    enabled: bool | None = Field(None, description="True sends what was held back since it was disabled.")


class WebhookItem(BaseModel):
    """An endpoint, without its secret."""

    id: UUID
    url: str
    events: list[WebhookEvent]
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None = Field(description="Null while the last message was taken.")
    created_at: datetime

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> Self:
        """The endpoint of a row."""
        return cls(
            id=endpoint.id,
            url=endpoint.url,
            events=[WebhookEvent(event) for event in endpoint.events],
            enabled=endpoint.disabled_at is None,
            disabled_reason=endpoint.disabled_reason,
            failing_since=endpoint.failing_since,
            created_at=endpoint.created_at,
        )


class NewWebhook(WebhookItem):
    """An endpoint that was just made."""

    secret: str = Field(description="`whsec_…`, for checking signatures; it cannot be read again.")


class NewSecret(BaseModel):
    """A secret that was just made."""

    secret: str
    previous_secret_until: datetime = Field(description="So long the one before signs as well.")


class WebhookPage(BaseModel):
    """A page of a list."""

    items: list[WebhookItem]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")


class DeliveryItem(BaseModel):
    """A message to an endpoint, and how often it was sent."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Every attempt has it as `webhook-id`: `msg_` and its hexadecimal digits.")
    event: str
    state: Literal["pending", "delivered", "failed"]
    attempts: int
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    delivered_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: WebhookDelivery) -> Self:
        """The delivery of a row."""
        fields = {name: getattr(row, name) for name in cls.model_fields if name != "state"}
        over: Literal["delivered", "failed"] = "delivered" if row.delivered_at else "failed"
        return cls(**fields, state=over if row.next_attempt_at is None else "pending")


class DeliveryPage(BaseModel):
    """A page of a list."""

    items: list[DeliveryItem]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Make a webhook",
    responses=documented(*_BODY_REFUSALS, QuotaExceeded, NotConfigured),
)
def create(wanted: WebhookRequest, who: Writer, parts: Parts, response: Response) -> NewWebhook:
    """The answer holds the secret, this once."""
    _check(parts, wanted.url)
    response.headers["Cache-Control"] = "no-store"
    with parts.database.begin() as session:
        if endpoints.count(session, who.owner) >= endpoints.MAX_ENDPOINTS:
            raise QuotaExceeded(f"You may have {endpoints.MAX_ENDPOINTS} webhooks. Delete one.")
        try:
            endpoint, secret = endpoints.create(
                session, _seal(parts), who.owner, wanted.url, list(dict.fromkeys(wanted.events))
            )
        except NoKey as error:
            raise NotConfigured from error
        return NewWebhook(**WebhookItem.of(endpoint).model_dump(), secret=_shown(secret))


@router.get("", summary="List webhooks, newest first", responses=documented(InvalidRequest))
def list_webhooks(wanted: Annotated[PageWanted, Query()], who: Reader, database: Database) -> WebhookPage:
    """The owner's endpoints."""
    with database.begin() as session:
        rows = endpoints.newest(session, who.owner, before=wanted.cursor, limit=wanted.limit + 1)
    shown, cursor = pagination.split(rows, wanted)
    return WebhookPage(items=[WebhookItem.of(row) for row in shown], next_cursor=cursor)


@router.get("/{webhook_id}", summary="Look at a webhook", responses=documented(NotFound, InvalidRequest))
def show(webhook_id: UUID, who: Reader, database: Database) -> WebhookItem:
    """Where it sends what, and whether that works."""
    with database.begin() as session:
        return WebhookItem.of(_endpoint(session, who.owner, webhook_id))


@router.patch("/{webhook_id}", summary="Change a webhook", responses=documented(NotFound, *_BODY_REFUSALS))
def change(webhook_id: UUID, wanted: WebhookChange, who: Writer, parts: Parts) -> WebhookItem:
    """Send it elsewhere, tell it of other things, switch it off or on again."""
    if wanted.url is not None:
        _check(parts, wanted.url)
    with parts.database.begin() as session:
        endpoint = _endpoint(session, who.owner, webhook_id)
        if wanted.url is not None:
            endpoint.url = wanted.url
        if wanted.events is not None:
            endpoint.events = list(dict.fromkeys(wanted.events))
        if wanted.enabled is not None:
            endpoints.enable(session, endpoint, wanted.enabled)
        session.flush()
        session.refresh(endpoint)
        return WebhookItem.of(endpoint)


@router.delete(
    "/{webhook_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a webhook",
    responses=documented(NotFound, InvalidRequest),
)
def delete(webhook_id: UUID, who: Writer, database: Database) -> None:
    """With all that is still to be sent to it."""
    with database.begin() as session:
        session.delete(_endpoint(session, who.owner, webhook_id))


@router.post(
    "/{webhook_id}/rotate-secret",
    summary="Replace the secret",
    responses=documented(NotFound, InvalidRequest, NotConfigured),
)
def rotate_secret(webhook_id: UUID, who: Writer, parts: Parts, response: Response) -> NewSecret:
    """For a day every message carries two signatures, under the new secret and under the one before."""
    response.headers["Cache-Control"] = "no-store"
    with parts.database.begin() as session:
        endpoint = _endpoint(session, who.owner, webhook_id)
        try:
            secret = endpoints.rotate_secret(session, _seal(parts), endpoint)
        except NoKey as error:
            raise NotConfigured from error
        until = endpoint.previous_secret_until
    assert until is not None  # noqa: S101 - just set
    return NewSecret(secret=_shown(secret), previous_secret_until=until)


@router.post(
    "/{webhook_id}/test",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a test message",
    responses=documented(NotFound, InvalidRequest),
)
def send_test(webhook_id: UUID, who: Writer, database: Database) -> DeliveryItem:
    """A `webhook.test`, whatever events the endpoint wants. What becomes of it is in its deliveries."""
    with database.begin() as session:
        delivery_id = outbox.send_test(session, _endpoint(session, who.owner, webhook_id))
        return DeliveryItem.of(session.get_one(WebhookDelivery, delivery_id))


@router.get(
    "/{webhook_id}/deliveries",
    summary="List what was sent, newest first",
    responses=documented(NotFound, InvalidRequest),
)
def list_deliveries(
    webhook_id: UUID, wanted: Annotated[PageWanted, Query()], who: Reader, database: Database
) -> DeliveryPage:
    """Every message of the last 30 days (or what the operator has set), with its last outcome."""
    with database.begin() as session:
        _endpoint(session, who.owner, webhook_id)
        rows = outbox.deliveries(session, who.owner, webhook_id, before=wanted.cursor, limit=wanted.limit + 1)
    shown, cursor = pagination.split(rows, wanted)
    return DeliveryPage(items=[DeliveryItem.of(row) for row in shown], next_cursor=cursor)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=status.HTTP_202_ACCEPTED,
    summary="Send a message again",
    responses=documented(NotFound, InvalidRequest),
)
def replay(webhook_id: UUID, delivery_id: UUID, who: Writer, database: Database) -> DeliveryItem:
    """Now, under the same `webhook-id`, and with all attempts before it."""
    with database.begin() as session:
        delivery = outbox.replay(session, _endpoint(session, who.owner, webhook_id), delivery_id)
        if delivery is None:
            raise NotFound("This webhook has no such delivery.")
        return DeliveryItem.of(delivery)


def _endpoint(session: Session, owner: str, webhook_id: UUID) -> WebhookEndpoint:
    endpoint = endpoints.get(session, owner, webhook_id)
    if endpoint is None:
        raise NotFound(_NO_ENDPOINT)
    return endpoint


def _check(parts: Service, url: str) -> None:
    try:
        Targets.of(parts.settings.webhook_allow).check_url(url)
    except ValueError as error:
        raise InvalidRequest(FieldError(field="url", message=str(error))) from error


def _seal(parts: Service) -> SecretBox:
    return SecretBox(parts.settings.secret_keys)


def _shown(secret: bytes) -> str:
    return endpoints.SECRET_PREFIX + base64.b64encode(secret).decode()
