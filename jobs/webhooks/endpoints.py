"""Webhook endpoints, and the encryption of their secrets under the keys of the setting `secret_keys`.

Fernet: AES-CBC with an HMAC. The first key encrypts, any of them decrypts. To replace a key, put a new one in
front of it, run `pruneserve-manage reencrypt`, and remove the old one.
"""

import secrets
from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.database import advisory_lock
from jobs.tables import NOW, WebhookEndpoint, page

SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of every secret of Standard Webhooks

MAX_ENDPOINTS = 20

_SECRET_BYTES = 32


class NoEncryptionKey(Exception):
    """No key is configured, so no secret can be stored."""


class UndecryptableSecret(Exception):
    """None of the keys decrypts this secret."""


class SecretBox:
    """Encrypts and decrypts with the operator's keys."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._keys = [Fernet(key.get_secret_value()) for key in keys]

    def encrypt(self, secret: bytes) -> bytes:
        """Encrypt. Raises `NoEncryptionKey`."""
        if not self._keys:
            raise NoEncryptionKey
        return MultiFernet(self._keys).encrypt(secret)

    def decrypt(self, encrypted: bytes) -> bytes:
        """Decrypt. Raises `UndecryptableSecret`."""
        try:
            return MultiFernet(self._keys).decrypt(encrypted) if self._keys else self._refuse()
        except InvalidToken as error:
            raise UndecryptableSecret from error

    def with_first_key(self, encrypted: bytes) -> bytes:
        """Encrypt again with the first key. Raises `NoEncryptionKey` and `UndecryptableSecret`."""
        if not self._keys:
            raise NoEncryptionKey
        try:
            return MultiFernet(self._keys).rotate(encrypted)
        except InvalidToken as error:
            raise UndecryptableSecret from error

    def _refuse(self) -> bytes:
        raise UndecryptableSecret


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


def reencrypt(session: Session, secret_box: SecretBox) -> tuple[int, int]:
    """Encrypt all secrets with the first key, so that the others are not needed. Raises `NoEncryptionKey`.

    Returns how many are, and how many stay as they are, because none of the keys decrypts them.
    """
    encrypted = unreadable = 0
    endpoints = session.scalars(select(WebhookEndpoint).order_by(WebhookEndpoint.id).with_for_update())
    for endpoint in endpoints:
        try:
            endpoint.secret = secret_box.with_first_key(endpoint.secret)
            encrypted += 1
        except UndecryptableSecret:
            unreadable += 1
    return encrypted, unreadable


def enable(session: Session, endpoint: WebhookEndpoint, enabled: bool) -> None:
    """Disable an endpoint, or enable it again with its failures forgotten."""
    if enabled == (endpoint.disabled_at is None):
        return
    now = session.scalars(select(NOW)).one()
    endpoint.disabled_at = None if enabled else now
    endpoint.disabled_reason = None if enabled else "switched off by its owner"
    endpoint.failing_since = None


def count(session: Session, owner: str) -> int:
    """Return how many endpoints an owner has; nobody else makes one until the transaction ends."""
    advisory_lock(session, f"webhooks of {owner}")
    return session.scalars(select(func.count()).where(WebhookEndpoint.owner == owner)).one()


def newest(session: Session, owner: str, *, before: UUID | None, limit: int) -> Sequence[WebhookEndpoint]:
    """Return a page of an owner's endpoints, newest first."""
    of_owner = select(WebhookEndpoint).where(WebhookEndpoint.owner == owner)
    return session.scalars(page(of_owner, WebhookEndpoint.id, before, limit)).all()


def get(session: Session, owner: str, endpoint_id: UUID) -> WebhookEndpoint | None:
    """Return one of the owner's endpoints, locked until the transaction ends."""
    return session.scalar(
        select(WebhookEndpoint)
        .where(WebhookEndpoint.id == endpoint_id, WebhookEndpoint.owner == owner)
        .with_for_update(key_share=True)
    )
