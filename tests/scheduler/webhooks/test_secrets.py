"""The secrets that sign messages: stored encrypted, and rotated."""

from collections.abc import Callable
from uuid import UUID

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import update
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from api.schemas.webhooks import encode_secret
from jobs.settings import Settings
from jobs.tables import NOW, WebhookEndpoint
from jobs.webhooks import endpoints
from jobs.webhooks.endpoints import NoEncryptionKey, SecretBox, UndecryptableSecret
from tests.scheduler.receiver import Receiver
from tests.scheduler.webhooks.outbox import Outbox


def test_for_a_day_both_secrets_sign(
    outbox: Outbox, end: Callable[[], UUID], receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    endpoint_id, old = outbox.endpoint(receiver.url)

    def rotate() -> str:
        with outbox.database.begin() as session:
            endpoint = session.get_one(WebhookEndpoint, endpoint_id)
            return encode_secret(endpoints.rotate_secret(session, outbox.secret_box, endpoint))

    new = rotate()
    end()
    outbox.sender.round()
    headers, body = receiver.requests[-1]
    for secret in (old, new):
        Webhook(secret).verify(body, headers)
    with outbox.database.begin() as session:
        session.execute(update(WebhookEndpoint).values(previous_secret_until=NOW))
    end()
    outbox.sender.round()
    headers, body = receiver.requests[-1]
    Webhook(new).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


def test_secrets_are_stored_encrypted_and_keys_can_be_rotated(outbox: Outbox, settings: Settings) -> None:
    endpoint_id, shown = outbox.endpoint("https://a.example")
    encrypted = outbox.standing(endpoint_id).secret
    assert shown[6:20].encode() not in encrypted
    fresh = SecretStr(Fernet.generate_key().decode())
    assert encode_secret(SecretBox([fresh, *settings.secret_keys]).decrypt(encrypted)) == shown
    with pytest.raises(UndecryptableSecret):
        SecretBox([fresh]).decrypt(encrypted)
    with pytest.raises(UndecryptableSecret):
        SecretBox([]).decrypt(encrypted)
    with pytest.raises(NoEncryptionKey):
        SecretBox([]).encrypt(b"secret")
