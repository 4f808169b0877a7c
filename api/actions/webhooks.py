"""What the REST API and the page do with webhooks."""

import re
from urllib.parse import unquote
from uuid import UUID

from sqlalchemy.orm import Session

from api.problems.base import FieldError
from api.problems.catalogue import InvalidRequest, NotConfigured, NotFound, QuotaExceeded
from api.resources import AppResources
from api.schemas.webhooks import (
    HIDDEN_PATH,
    NewWebhook,
    WebhookChange,
    WebhookItem,
    WebhookRequest,
    encode_secret,
)
from jobs.tables import WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks.endpoints import MessageFormat, NoEncryptionKey, SecretBox
from jobs.webhooks.url_policy import UrlPolicy


def create(resources: AppResources, owner: str, request: WebhookRequest) -> NewWebhook:
    """Create a webhook. Raises InvalidRequest, QuotaExceeded and NotConfigured."""
    _check_url(resources, request.url)
    events = list(dict.fromkeys(request.events))
    with resources.database.begin() as session:
        if endpoints.count(session, owner) >= endpoints.MAX_ENDPOINTS:
            raise QuotaExceeded(f"You may have at most {endpoints.MAX_ENDPOINTS} webhooks. Delete one.")
        try:
            endpoint, secret = endpoints.create(
                session, _secret_box(resources), owner, request.url, events, request.format
            )
        except NoEncryptionKey as error:
            raise NotConfigured from error
        return NewWebhook(**WebhookItem.of(endpoint).model_dump(), secret=encode_secret(secret))


def change(resources: AppResources, owner: str, webhook_id: UUID, changes: WebhookChange) -> WebhookItem:
    """Change one of the owner's webhooks. Raises InvalidRequest and NotFound."""
    if changes.url is not None:
        _check_url(resources, changes.url)
    with resources.database.begin() as session:
        endpoint = find(session, owner, webhook_id)
        _check_format(endpoint, changes)
        if changes.url is not None:
            endpoint.url = changes.url
        if changes.events is not None:
            endpoint.events = list(dict.fromkeys(changes.events))
        if changes.format is not None:
            endpoint.format = changes.format
        if changes.enabled is not None:
            endpoints.enable(session, endpoint, changes.enabled)
        session.flush()
        session.refresh(endpoint)
        return WebhookItem.of(endpoint)


def find(session: Session, owner: str, webhook_id: UUID) -> WebhookEndpoint:
    """Return one of the owner's webhooks, locked until the transaction ends. Raises NotFound."""
    endpoint = endpoints.get(session, owner, webhook_id)
    if endpoint is None:
        raise NotFound("There is no such webhook, or it belongs to another owner.")
    return endpoint


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


def _secret_box(resources: AppResources) -> SecretBox:
    return SecretBox(resources.settings.secret_keys)
