"""Webhook endpoints and their secrets."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.tables import NOW, WebhookEndpoint
from jobs.webhooks.encryption import SecretBox

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of every secret of Standard Webhooks
BOTH_SECRETS_FOR = timedelta(hours=24)
MAX_ENDPOINTS = 20

_SECRET_BYTES = 32


class MessageFormat(StrEnum):
    """What the body of a message to an endpoint looks like."""

    STANDARD = "standard"
    SLACK = "slack"


def create(
    session: Session,
    secret_box: SecretBox,
    owner: str,
    url: str,
    events: Sequence[str],
    message_format: MessageFormat = MessageFormat.STANDARD,
) -> tuple[WebhookEndpoint, bytes]:
    """Create an endpoint. Returns it with its secret, which is shown this once."""
    secret = secrets.token_bytes(_SECRET_BYTES)
    endpoint = WebhookEndpoint(
        owner=owner, url=url, events=[*events], format=message_format, secret=secret_box.encrypt(secret)
    )
    session.add(endpoint)
    session.flush()
    session.refresh(endpoint)
    return endpoint, secret


def rotate_secret(session: Session, secret_box: SecretBox, endpoint: WebhookEndpoint) -> bytes:
    """Replace the secret. The previous one also signs for a day, so that receivers can be updated."""
    secret = secrets.token_bytes(_SECRET_BYTES)
    endpoint.previous_secret, endpoint.secret = endpoint.secret, secret_box.encrypt(secret)
    endpoint.previous_secret_until = session.scalars(select(NOW + BOTH_SECRETS_FOR)).one()
    return secret


def enable(session: Session, endpoint: WebhookEndpoint, enabled: bool) -> None:
    """Disable an endpoint, or enable it again with its failures forgotten."""
    if enabled == (endpoint.disabled_at is None):
        return
    now = session.scalars(select(NOW)).one()
    endpoint.disabled_at = None if enabled else now
    endpoint.disabled_reason = None if enabled else "switched off by its owner"
    endpoint.failing_since = None


def count(session: Session, owner: str) -> int:
    """Return how many endpoints an owner has."""
    return session.scalars(select(func.count()).where(WebhookEndpoint.owner == owner)).one()


def newest(session: Session, owner: str, *, before: UUID | None, limit: int) -> Sequence[WebhookEndpoint]:
    """Return a page of an owner's endpoints, newest first."""
    query = select(WebhookEndpoint).where(WebhookEndpoint.owner == owner)
    query = query.order_by(WebhookEndpoint.id.desc()).limit(limit)
    return session.scalars(query if before is None else query.where(WebhookEndpoint.id < before)).all()


def get(session: Session, owner: str, endpoint_id: UUID) -> WebhookEndpoint | None:
    """Return one of the owner's endpoints, locked until the transaction ends."""
    return session.scalar(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.owner == owner)
        .with_for_update(key_share=True)
    )
