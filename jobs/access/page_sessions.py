"""Sessions of the status page: a browser signs in with an API key, or by a link that works once.

Only hashes of the tokens are stored. A session has the owner and the scopes of its key, and ends with it, or
after `SESSION_LIFETIME`.
"""

import hashlib
import secrets
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from jobs.access import api_keys
from jobs.access.api_keys import Principal
from jobs.tables import NOW, ApiKey, PageSession

SESSION_LIFETIME = timedelta(hours=12)
"""How long a sign-in is valid. A user whose account or groups end in the meantime keeps access until then."""
LINK_LIFETIME = timedelta(hours=1)


def create_link(session: Session, key_id: UUID, lifetime: timedelta = LINK_LIFETIME) -> str:
    """Return a token for `/sign-in?token=…` that is valid for one sign-in within `lifetime`."""
    return _new_token(session, key_id, lifetime, one_time=True)


def follow_link(session: Session, token: str) -> str | None:
    """Exchange a link's token for a session's. Returns None if the link or its key is not valid any more."""
    key_id = session.scalar(
        delete(PageSession)
        .where(
            PageSession.token_sha256 == _hash(token),
            PageSession.one_time,
            PageSession.expires_at > NOW,
            PageSession.api_key_id.in_(select(ApiKey.id).where(api_keys.VALID)),
        )
        .returning(PageSession.api_key_id)
    )
    return None if key_id is None else start(session, key_id)


def start(session: Session, key_id: UUID) -> str:
    """Start a session and return its token, for a cookie. Also deletes expired sessions."""
    session.execute(delete(PageSession).where(PageSession.expires_at <= NOW))
    return _new_token(session, key_id, SESSION_LIFETIME, one_time=False)


def lookup(session: Session, token: str) -> Principal | None:
    """Return the principal of a session, or None. This counts as a use of its key."""
    token_sha256 = _hash(token)
    found = session.execute(
        select(ApiKey, api_keys.USE_DUE)
        .join(PageSession, PageSession.api_key_id == ApiKey.id)
        .where(*_is_open(token_sha256))
    ).one_or_none()
    if found is None:
        return None
    key, use_due = found
    if use_due:
        api_keys.record_use(session, key.id)
    return replace(api_keys.principal_of(key), page_session=token_sha256)


def is_valid(session: Session, principal: Principal) -> bool:
    """Return whether an authenticated principal is still valid, with its owner and all of its scopes.

    This does not count as a use.
    """
    key = select(ApiKey.id).where(
        ApiKey.id == principal.key_id,
        ApiKey.owner == principal.owner,
        ApiKey.scopes.contains(sorted(principal.scopes)),
        api_keys.VALID,
    )
    if principal.page_session is not None:
        key = key.join(PageSession, PageSession.api_key_id == ApiKey.id)
        key = key.where(*_is_open(principal.page_session))
    return session.scalar(key) is not None


def end(session: Session, token: str) -> None:
    """End a session."""
    session.execute(delete(PageSession).where(PageSession.token_sha256 == _hash(token)))


def _is_open(token_sha256: bytes) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a valid session, on the join of sessions and keys."""
    return (
        PageSession.token_sha256 == token_sha256,
        PageSession.one_time.is_(False),
        PageSession.expires_at > NOW,
        api_keys.VALID,
    )


def _new_token(session: Session, key_id: UUID, lifetime: timedelta, *, one_time: bool) -> str:
    token = secrets.token_urlsafe(32)
    session.add(
        PageSession(
            token_sha256=_hash(token), api_key_id=key_id, one_time=one_time, expires_at=NOW + lifetime
        )
    )
    session.flush()
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
