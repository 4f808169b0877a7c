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
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Row,
    Select,
    and_,
    bindparam,
    cast,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.database import advisory_lock
from jobs.tables import NOW, ApiKey, page


class TooManyKeys(Exception):
    """The owner has as many valid keys as is allowed."""


class CreatorInvalid(Exception):
    """The key that creates another has been revoked or has expired meanwhile."""


class MissingScope(Exception):
    """A key to be made or revoked has a scope that the key which does it lacks."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"this needs the scope '{scope}'")
        self.scope = scope


class Scope(StrEnum):
    """What a key may do. No scope implies another."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ADMIN = "admin"


SCOPES = tuple(Scope)
ORDINARY_SCOPES = (Scope.JOBS_READ, Scope.JOBS_WRITE)

VALID: ColumnElement[bool] = and_(
    ApiKey.revoked_at.is_(None),
    or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > NOW),
)
"""The condition for valid keys: neither revoked nor expired."""

MAX_KEYS = 100
"""Valid keys of one owner."""

LAST_USE_PRECISION = timedelta(minutes=1)
"""Precision of `last_used_at`: to write it with every request would turn every read into a write."""

USE_DUE: ColumnElement[bool] = or_(
    ApiKey.last_used_at.is_(None), ApiKey.last_used_at < NOW - LAST_USE_PRECISION
)
"""The condition for keys whose `last_used_at` is due for an update."""

# Built once, because every request looks up its key by it.
_KEY_BY_PREFIX = select(
    ApiKey.id,
    ApiKey.owner,
    ApiKey.scopes,
    ApiKey.expires_at,
    ApiKey.secret_sha256,
    USE_DUE.label("use_due"),
).where(ApiKey.prefix == bindparam("prefix"), VALID)

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
    address: str = ""  # where the request came from


def create(session: Session, owner: str, name: str, scopes: Iterable[str] = SCOPES) -> tuple[ApiKey, str]:
    """Create a key that does not expire, as only the operator of the service can.

    Returns its row and the key itself.
    """
    return _add(session, owner, name, scopes, expires_at=None, creator=None)


def renew_sign_in(
    session: Session, owner: str, subject: str, name: str, scopes: Iterable[str], lifetime: timedelta
) -> ApiKey:
    """Write the key without a secret with which a user of the identity provider opens page sessions.

    There is one for each user and owner; one that was revoked stays so. Keys made in these sessions do not
    outlive it, as `issue` says.
    """
    word = {"name": f"sign-in of {name}", "scopes": ordered(scopes), "expires_at": NOW + lifetime}
    written = insert(ApiKey).values(
        prefix=_random(_PREFIX),
        secret_sha256=b"",  # no key has this hash
        owner=owner,
        subject=subject,
        **word,
    )
    renewed = written.on_conflict_do_update(
        index_elements=["subject", "owner"], index_where=ApiKey.revoked_at.is_(None), set_=word
    )
    fresh = {"populate_existing": True}
    return session.scalars(renewed.returning(ApiKey), execution_options=fresh).one()


def ordered(scopes: Iterable[str]) -> list[str]:
    """Return scopes in the order in which they are stored."""
    given = set(scopes)
    return [scope for scope in SCOPES if scope in given]


def issue(
    session: Session,
    owner: str,
    name: str,
    scopes: Iterable[str],
    *,
    created_by: UUID,
    lifetime: timedelta,
) -> tuple[ApiKey, str]:
    """Create a key by order of the key `created_by`. Returns its row and the key itself.

    Unless that has the scope `admin`, the new one is of the same owner, has no scope that it lacks, and does
    not outlive it. It expires after `lifetime` in any case. Raises `TooManyKeys` if the owner has `MAX_KEYS`
    valid keys already, `CreatorInvalid`, and `MissingScope`.
    """
    # Held until the transaction ends, so that a revocation of the creator with the keys it made, or a sign-in
    # that takes scopes away from it, sees this one too.
    creator = session.scalar(
        select(ApiKey).where(ApiKey.id == created_by, VALID).with_for_update(read=True, of=ApiKey)
    )
    if creator is None:
        raise CreatorInvalid
    _require_scopes(creator, owner, scopes)
    # So that two requests cannot exceed the limit together.
    advisory_lock(session, f"keys of {owner}")
    taken = select(func.count()).where(ApiKey.owner == owner, VALID, ApiKey.subject.is_(None))
    if session.scalars(taken).one() >= MAX_KEYS:
        raise TooManyKeys
    # LEAST ignores nulls.
    not_after = cast(None if Scope.ADMIN in creator.scopes else creator.expires_at, DateTime(timezone=True))
    expires_at = func.least(NOW + lifetime, not_after)
    return _add(session, owner, name, scopes, expires_at=expires_at, creator=creator)


def _require_scopes(key: ApiKey | Principal, owner: str, scopes: Iterable[str]) -> None:
    """Raise `MissingScope` if `key` must not make or revoke one of this owner with these scopes."""
    if Scope.ADMIN in key.scopes:
        return
    if owner != key.owner:
        raise MissingScope(Scope.ADMIN)
    for scope in scopes:
        if scope not in key.scopes:
            raise MissingScope(scope)


def _add(
    session: Session,
    owner: str,
    name: str,
    scopes: Iterable[str],
    *,
    expires_at: ColumnElement[datetime] | None,
    creator: ApiKey | None,
) -> tuple[ApiKey, str]:
    """Write a key, of which only the hash is stored. Returns its row and the key itself."""
    prefix = _random(_PREFIX)
    body = f"ps_{prefix}_{_random(_SECRET)}"
    key = body + _checksum(body)
    row = ApiKey(
        prefix=prefix,
        secret_sha256=_hash(key),
        owner=owner,
        name=name,
        scopes=ordered(scopes),
        expires_at=expires_at,
        created_by=None if creator is None else creator.id,
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
    found = session.connection().execute(_KEY_BY_PREFIX, {"prefix": key[3 : 3 + _PREFIX]}).one_or_none()
    if found is None or not secrets.compare_digest(found.secret_sha256, _hash(key)):
        return None
    if found.use_due:
        record_use(session, found.id)
    return principal_of(found)


def principal_of(key: ApiKey | Row[*tuple[Any, ...]]) -> Principal:
    """Return the principal of a key, of which at least these columns are there."""
    return Principal(key.id, key.owner, frozenset(key.scopes), key.expires_at)


def record_use(session: Session, key_id: UUID) -> None:
    """Update the `last_used_at` of a key if it is due.

    Of many concurrent requests one writes and none waits: a row that is locked is skipped.
    """
    free = select(ApiKey.id).where(ApiKey.id == key_id, USE_DUE).with_for_update(skip_locked=True)
    session.execute(update(ApiKey).where(ApiKey.id == free.scalar_subquery()).values(last_used_at=NOW))


def newest(session: Session, owner: str | None, *, before: UUID | None, limit: int) -> Sequence[ApiKey]:
    """Return a page of the keys that are not revoked, newest first; of all owners if `owner` is None."""
    query = select(ApiKey).where(ApiKey.revoked_at.is_(None))
    if owner is not None:
        query = query.where(ApiKey.owner == owner)
    return session.scalars(page(query, ApiKey.id, before, limit)).all()


def makers(session: Session, key_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Return which of these keys have made a key that is still valid."""
    made = select(ApiKey.created_by).where(ApiKey.created_by.in_([*key_ids]), VALID)
    return frozenset(filter(None, session.scalars(made.distinct())))


def revoke(
    session: Session, principal: Principal, key_id: UUID, *, cascade: bool = False
) -> list[ApiKey] | None:
    """Revoke a key and its page sessions, and with `cascade` those it made, those that these made, and so on.

    Without the scope `admin`, `principal` can revoke keys of its own owner alone. Returns the keys that this
    call has revoked, or None if there is no such key. Raises `MissingScope`, and revokes nothing.
    """
    known: list[UUID] = []
    revoked: list[ApiKey] = []
    # A key that one of these was making when it was locked is found in the next round.
    while found := session.scalars(_to_revoke(principal, key_id, known, cascade=cascade)).all():
        valid = [key for key in found if key.revoked_at is None]
        for key in valid:
            _require_scopes(principal, key.owner, key.scopes)
        ids = [key.id for key in valid]
        session.execute(update(ApiKey).where(ApiKey.id.in_(ids)).values(revoked_at=NOW))
        known += [key.id for key in found]
        revoked += valid
    return revoked if known else None


def _to_revoke(principal: Principal, key_id: UUID, known: Iterable[UUID], *, cascade: bool) -> Select[ApiKey]:
    """Return the query for the keys to revoke but for those that are `known`, which locks them."""
    first = select(ApiKey.id).where(ApiKey.id == key_id)
    if Scope.ADMIN not in principal.scopes:
        first = first.where(ApiKey.owner == principal.owner)
    tree = first.cte("tree", recursive=cascade)
    if cascade:
        tree = tree.union(select(ApiKey.id).join(tree, ApiKey.created_by == tree.c.id))
    return (
        select(ApiKey)
        .where(ApiKey.id.in_(select(tree.c.id)), ApiKey.id.not_in([*known]))
        .order_by(ApiKey.id)  # the same order for all, so that two of them cannot wait for each other
        .with_for_update()
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
    # A key has 190 random bits, so a slow hash would add no security, only time to every request.
    return hashlib.sha256(key.encode()).digest()
