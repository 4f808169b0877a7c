"""The secrets that sign messages are stored encrypted, under keys that can be replaced."""

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from api.schemas.webhooks import encode_secret
from jobs.settings import Settings
from jobs.webhooks.endpoints import NoEncryptionKey, SecretBox, UndecryptableSecret
from tests.scheduler.webhooks.outbox import Outbox


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
