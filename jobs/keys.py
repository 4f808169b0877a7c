"""API keys: how they look, how they are stored, how one is recognised.

A key reads `ps_<prefix>_<secret><checksum>`. The prefix finds the row and may be shown; the checksum tells a
mistyped key from a wrong one without asking the database, and lets secret scanners recognise a leaked one.
"""

import hashlib
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from jobs.tables import NOW, ApiKey

SCOPES = ("jobs:read", "jobs:write", "admin")

_ALPHABET = string.digits + string.ascii_letters
_PREFIX, _SECRET, _CHECKSUM = 8, 32, 6


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, and what they may do."""

    key_id: UUID
    owner: str
    scopes: frozenset[str]


def create(session: Session, owner: str, name: str, scopes: Sequence[str] = SCOPES) -> str:
    """Make a key and return it; only its hash is kept, so this is the only time it can be read."""
    prefix = _random(_PREFIX)
    body = f"ps_{prefix}_{_random(_SECRET)}"
    key = body + _checksum(body)
    session.add(ApiKey(prefix=prefix, secret_sha256=_hash(key), owner=owner, name=name, scopes=list(scopes)))
    session.flush()
    return key


def authenticate(session: Session, key: str) -> Principal | None:
    """The principal of a key that exists and is not revoked."""
    if len(key) != len("ps__") + _PREFIX + _SECRET + _CHECKSUM or not key.isascii():
        return None
    if _checksum(key[:-_CHECKSUM]) != key[-_CHECKSUM:]:
        return None
    row = session.scalar(
        select(ApiKey).where(ApiKey.prefix == key[3 : 3 + _PREFIX], ApiKey.revoked_at.is_(None))
    )
    if row is None or not secrets.compare_digest(row.secret_sha256, _hash(key)):
        return None
    _touch(session, row.id)
    return Principal(row.id, row.owner, frozenset(row.scopes))


def _touch(session: Session, key_id: UUID) -> None:
    """Remember the last use, to the minute: a write per request would make every read a write."""
    minute_ago = NOW - text("interval '1 minute'")
    session.execute(
        update(ApiKey)
        .where(ApiKey.id == key_id, (ApiKey.last_used_at.is_(None)) | (ApiKey.last_used_at < minute_ago))
        .values(last_used_at=NOW)
    )


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _hash(key: str) -> bytes:
    # A key has 190 random bits: a plain hash is as good as a slow one, and costs nothing per request.
    return hashlib.sha256(key.encode()).digest()
