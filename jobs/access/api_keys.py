"""API keys: their format, storage and authentication.

A key reads `ps_<prefix>_<secret><checksum>`. The prefix finds the row and may be shown. The checksum rejects
mistyped keys without a query, and lets secret scanners recognise leaked ones.
"""

import hashlib
import secrets
import string
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, and_, cast, func, or_, select, update
from sqlalchemy.orm import Session

from jobs.tables import NOW, ApiKey


class Scope(StrEnum):
    """What a key may do. No scope implies another."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ADMIN = "admin"


SCOPES = tuple(Scope)
ORDINARY_SCOPES = (Scope.JOBS_READ, Scope.JOBS_WRITE)

VALID: ColumnElement[bool] = and_(
    ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > NOW)
)
"""The condition for valid keys: not revoked and not expired."""

USE_NOTED_EVERY = timedelta(minutes=1)
"""Precision of `last_used_at`: to write it with every request would turn every read into a write."""

USE_DUE: ColumnElement[bool] = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < NOW - USE_NOTED_EVERY)
"""The condition for keys whose `last_used_at` is due for an update."""

_ALPHABET = string.digits + string.ascii_letters
_PREFIX, _SECRET, _CHECKSUM = 8, 32, 6


@dataclass(frozen=True, slots=True)
class Principal:
    """The authenticated owner of a request, and its scopes."""

    key_id: UUID
    owner: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    page_session: bytes | None = (
        None  # hash of the session's token; None if the request carried the key itself
    )


def create(session: Session, owner: str, name: str, scopes: Iterable[str] = SCOPES) -> str:
    """Create a key that does not expire, and return it."""
    _, key = issue(session, owner, name, scopes)
    return key


def issue(
    session: Session,
    owner: str,
    name: str,
    scopes: Iterable[str],
    *,
    lifetime: timedelta | None = None,
    not_after: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Create a key. Returns its row and the key itself, of which only the hash is stored.

    It expires after `lifetime` or at `not_after`, whichever comes first, and never without either.
    """
    prefix = _random(_PREFIX)
    body = f"ps_{prefix}_{_random(_SECRET)}"
    key = body + _checksum(body)
    row = ApiKey(
        prefix=prefix,
        secret_sha256=_hash(key),
        owner=owner,
        name=name,
        scopes=[scope for scope in SCOPES if scope in set(scopes)],
        # LEAST ignores nulls.
        expires_at=func.least(NOW + lifetime if lifetime else None, cast(not_after, DateTime(timezone=True))),
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return row, key


def authenticate(session: Session, key: str) -> Principal | None:
    """Return the principal of a valid key, or None."""
    if len(key) != len("ps__") + _PREFIX + _SECRET + _CHECKSUM or not key.isascii():
        return None
    if _checksum(key[:-_CHECKSUM]) != key[-_CHECKSUM:]:
        return None
    found = session.execute(
        select(ApiKey, USE_DUE).where(ApiKey.prefix == key[3 : 3 + _PREFIX], VALID)
    ).one_or_none()
    if found is None:
        return None
    row, use_due = found
    if not secrets.compare_digest(row.secret_sha256, _hash(key)):
        return None
    if use_due:
        note_use(session, row)
    return principal_of(row)


def is_valid(session: Session, key_id: UUID) -> bool:
    """Return whether a key is still valid."""
    return session.scalar(select(ApiKey.id).where(ApiKey.id == key_id, VALID)) is not None


def principal_of(key: ApiKey) -> Principal:
    """Return the principal of a key."""
    return Principal(key.id, key.owner, frozenset(key.scopes), key.expires_at)


def note_use(session: Session, key: ApiKey) -> None:
    """Update `last_used_at` if it is due.

    Of many concurrent requests one writes and none waits: a row that is locked is skipped.
    """
    free = select(ApiKey.id).where(ApiKey.id == key.id, USE_DUE).with_for_update(skip_locked=True)
    session.execute(update(ApiKey).where(ApiKey.id == free.scalar_subquery()).values(last_used_at=NOW))


def newest(session: Session, owner: str | None, *, before: UUID | None, limit: int) -> Sequence[ApiKey]:
    """Return a page of the keys that are not revoked, newest first; of all owners if `owner` is None."""
    query = select(ApiKey).where(ApiKey.revoked_at.is_(None)).order_by(ApiKey.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(ApiKey.owner == owner)
    if before is not None:
        query = query.where(ApiKey.id < before)
    return session.scalars(query).all()


def revoke(session: Session, owner: str | None, key_id: UUID) -> bool:
    """Revoke a key and its page sessions, of any owner if `owner` is None. Returns False if it is unknown."""
    query = update(ApiKey).where(ApiKey.id == key_id).values(revoked_at=func.coalesce(ApiKey.revoked_at, NOW))
    if owner is not None:
        query = query.where(ApiKey.owner == owner)
    return session.scalar(query.returning(ApiKey.id)) is not None


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    value, digits = zlib.crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        value, digit = divmod(value, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits


def _hash(key: str) -> bytes:
    # A key has 190 random bits, so a slow hash would add no security, only time to every request.
    return hashlib.sha256(key.encode()).digest()
