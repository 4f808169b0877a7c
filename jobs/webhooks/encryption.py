"""Encryption of secrets in the database, under the keys of the setting `secret_keys`.

Fernet: AES-CBC with an HMAC. The first key encrypts, any of them decrypts. To replace a key, put a new one in
front of it, run `pruneserve-admin reencrypt`, and remove the old one.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr


class NoKey(Exception):
    """No key is configured, so no secret can be stored."""


class Unreadable(Exception):
    """None of the keys decrypts this secret."""


class SecretBox:
    """Encrypts and decrypts with the operator's keys."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        self._keys = [Fernet(key.get_secret_value()) for key in keys]

    def encrypt(self, secret: bytes) -> bytes:
        """Encrypt. Raises `NoKey`."""
        if not self._keys:
            raise NoKey
        return MultiFernet(self._keys).encrypt(secret)

    def decrypt(self, encrypted: bytes) -> bytes:
        """Decrypt. Raises `Unreadable`."""
        try:
            return MultiFernet(self._keys).decrypt(encrypted) if self._keys else self._refuse()
        except InvalidToken as error:
            raise Unreadable from error

    def with_first_key(self, encrypted: bytes) -> bytes | None:
        """Encrypt again with the first key; None if it is. Raises `NoKey`, `Unreadable`."""
        if not self._keys:
            raise NoKey
        try:
            self._keys[0].decrypt(encrypted)
        except InvalidToken:
            return self.encrypt(self.decrypt(encrypted))
        return None

    def _refuse(self) -> bytes:
        raise Unreadable
