"""Secrets that lie in the database so that only who has the operator's key can read them.

Fernet: AES-CBC with an HMAC. The first key encrypts, any of them decrypts, so a key is replaced by putting a
new one before it, and taken away once nothing is left that it has encrypted.
"""

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr


class NoKey(Exception):
    """The operator has given no key, so that no secret can be kept."""


class Unreadable(Exception):
    """None of the keys has encrypted this secret."""


class SecretBox:
    """Encrypts and decrypts under the operator's keys."""

    def __init__(self, keys: Sequence[SecretStr]) -> None:
        """Of the setting `secret_keys`."""
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

    def _refuse(self) -> bytes:
        raise Unreadable
