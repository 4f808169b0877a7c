"""API keys. One with the scope `admin` manages every owner's keys, any other those of its own owner."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.problems.problems import NotFound, ScopeMissing
from api.schemas.keys import KeyItem, KeyPage, KeyRequest, NewKey
from api.schemas.pages import PageQuery
from jobs.access import api_keys
from jobs.access.api_keys import Principal, Scope


def issue(database: sessionmaker[Session], principal: Principal, request: KeyRequest) -> NewKey:
    """Create a key. Raises ScopeMissing for one that the principal may not grant."""
    owner = request.owner or principal.owner
    admin = Scope.ADMIN in principal.scopes
    if owner != principal.owner:
        _require_admin(principal)
    lacking = [scope for scope in request.scopes if scope not in principal.scopes]
    if lacking and not admin:
        raise ScopeMissing(f"This API key lacks the scope '{lacking[0]}', so it cannot grant it.")
    lifetime = timedelta(days=request.expires_in_days) if request.expires_in_days else None
    not_after = None if admin else principal.expires_at
    with database.begin() as session:
        row, key = api_keys.issue(
            session, owner, request.name, request.scopes, lifetime=lifetime, not_after=not_after
        )
        return NewKey.of(row, key)


def list_page(
    database: sessionmaker[Session], principal: Principal, query: PageQuery, *, everyone: bool = False
) -> KeyPage:
    """Return a page of the principal's keys, or of everyone's, that are not revoked. Raises ScopeMissing."""
    if everyone:
        _require_admin(principal)
    owner = None if everyone else principal.owner
    with database.begin() as session:
        rows = api_keys.newest(session, owner, before=query.cursor, limit=query.rows)
    return KeyPage.of(rows, query, KeyItem.model_validate)


def revoke(database: sessionmaker[Session], principal: Principal, key_id: UUID) -> None:
    """Revoke a key, and end the page sessions that it has opened. Raises NotFound."""
    owner = None if Scope.ADMIN in principal.scopes else principal.owner
    with database.begin() as session:
        if not api_keys.revoke(session, owner, key_id):
            raise NotFound("There is no such key, or it belongs to another owner.")


def _require_admin(principal: Principal) -> None:
    if Scope.ADMIN not in principal.scopes:
        raise ScopeMissing(
            f"This API key lacks the scope '{Scope.ADMIN}', which is needed for other owners' keys."
        )
