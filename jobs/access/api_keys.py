"""API keys: how they look, how they are stored, how one is recognised.

A key reads `ps_<prefix>_<secret><checksum>`. The prefix finds the row and may be shown; the checksum tells a
mistyped key from a wrong one without asking the database, and lets secret scanners recognise a leaked one.
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
    """What a key may do. None implies another."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ADMIN = "admin"


SCOPES = tuple(Scope)
ORDINARY_SCOPES = (Scope.JOBS_READ, Scope.JOBS_WRITE)

VALID: ColumnElement[bool] = and_(
    ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > NOW)
)
"""Keys that open anything: not revoked, and not past their time."""

USE_NOTED_EVERY = timedelta(minutes=1)
"""How exact a last use is: a write per request would make every read a write."""

USE_DUE: ColumnElement[bool] = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < NOW - USE_NOTED_EVERY)
"""Keys whose last use is to be noted again."""

_ALPHABET = string.digits + string.ascii_letters
_PREFIX, _SECRET, _CHECKSUM = 8, 32, 6


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking, and what they may do."""

    key_id: UUID
    owner: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    page_session: bytes | None = None  # by its token's hash; None where the key itself was sent


def create(session: Session, owner: str, name: str, scopes: Iterable[str] = SCOPES) -> str:
    """Make a key that does not expire, and return it."""
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
    """Make a key: its row, and the key itself. Only its hash is kept: this is the only time it can be read.

    It ends after `lifetime` and by `not_after`, whichever comes first; without either it does not end.
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
        # LEAST passes over nulls.
        expires_at=func.least(NOW + lifetime if lifetime else None, cast(not_after, DateTime(timezone=True))),
    )
    session.add(row)
    session.flush()
    session.refresh(row)
    return row, key


def authenticate(session: Session, key: str) -> Principal | None:
    """The principal of a key that is still valid."""
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
    """Whether a key that was valid once is so still."""
    return session.scalar(select(ApiKey.id).where(ApiKey.id == key_id, VALID)) is not None


def principal_of(key: ApiKey) -> Principal:
    """Who asks with this key."""
    return Principal(key.id, key.owner, frozenset(key.scopes), key.expires_at)


def note_use(session: Session, key: ApiKey) -> None:
    """Remember the last use, where it is due.

    Of many requests at once one writes and none waits: a row that another is writing is passed over.
    """
    free = select(ApiKey.id).where(ApiKey.id == key.id, USE_DUE).with_for_update(skip_locked=True)
    session.execute(update(ApiKey).where(ApiKey.id == free.scalar_subquery()).values(last_used_at=NOW))


def newest(session: Session, owner: str | None, *, before: UUID | None, limit: int) -> Sequence[ApiKey]:
    """A page of the keys that are not revoked, newest first; of everybody where `owner` is None."""
    query = select(ApiKey).where(ApiKey.revoked_at.is_(None)).order_by(ApiKey.id.desc()).limit(limit)
    if owner is not None:
        query = query.where(ApiKey.owner == owner)
    if before is not None:
        query = query.where(ApiKey.id < before)
    return session.scalars(query).all()


def revoke(session: Session, owner: str | None, key_id: UUID) -> bool:
    """End a key and the sessions that it has opened; of anybody where `owner` is None. False: no such key."""
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
    # A key has 190 random bits: a plain hash is as good as a slow one, and costs nothing per request.
    return hashlib.sha256(key.encode()).digest()
