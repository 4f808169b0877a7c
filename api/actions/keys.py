"""API keys. One with the scope `admin` manages every owner's keys, any other those of its own owner."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.problems.catalogue import NotAuthenticated, NotFound, QuotaExceeded, ScopeMissing
from api.resources import AppResources
from api.schemas.access import KeyItem, KeyPage, KeyRequest, NewKey
from api.schemas.base import PageQuery
from jobs.access import api_keys, audit
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action


def issue(resources: AppResources, principal: Principal, request: KeyRequest) -> NewKey:
    """Create a key. Raises ScopeMissing for one that the principal may not grant, QuotaExceeded, and
    NotAuthenticated if the principal was revoked meanwhile.
    """
    owner = request.owner or principal.owner
    if owner != principal.owner:
        _require_admin(principal)
    try:
        with resources.database.begin() as session:
            row, key = api_keys.issue(
                session,
                owner,
                request.name,
                request.scopes,
                created_by=principal.key_id,
                lifetime=timedelta(days=request.expires_in_days),
            )
            audit.record(session, Action.KEY_CREATED, principal, f"key {row.id}", owner)
            return NewKey.of(row, key)
    except api_keys.TooManyKeys as error:
        raise QuotaExceeded(
            f"An owner may have at most {api_keys.MAX_KEYS} valid keys. Revoke some."
        ) from error
    except api_keys.CreatorInvalid as error:
        raise NotAuthenticated from error
    except api_keys.MissingScope as error:
        raise ScopeMissing(f"This API key lacks the scope '{error.scope}', so it cannot grant it.") from error


def list_page(
    database: sessionmaker[Session], principal: Principal, query: PageQuery, *, everyone: bool = False
) -> KeyPage:
    """Return a page of the principal's keys, or of everyone's, that are not revoked. Raises ScopeMissing."""
    if everyone:
        _require_admin(principal)
    owner = None if everyone else principal.owner
    with database.begin() as session:
        if everyone:
            audit.record_read(session, principal, "all keys")
        rows = api_keys.newest(session, owner, before=query.cursor, limit=query.rows)
    return KeyPage.of(rows, query, KeyItem.model_validate)


def makers(database: sessionmaker[Session], page: KeyPage) -> frozenset[UUID]:
    """Return which keys of a page have made others that are still valid."""
    with database.begin() as session:
        return api_keys.makers(session, [key.id for key in page.items])


def revoke(database: sessionmaker[Session], principal: Principal, key_id: UUID, *, cascade: bool) -> None:
    """Revoke a key, with `cascade` also those that it made, and end the page sessions that they have opened.

    Raises NotFound, and ScopeMissing if one of them has a scope that the principal's lacks, or another owner.
    """
    try:
        with database.begin() as session:
            revoked = api_keys.revoke(session, principal, key_id, cascade=cascade)
            if revoked is None:
                raise NotFound("There is no such key, or it belongs to another owner.")
            for key in revoked:
                audit.record(session, Action.KEY_REVOKED, principal, f"key {key.id}", key.owner)
    except api_keys.MissingScope as error:
        raise ScopeMissing(
            f"This API key lacks the scope '{error.scope}', so it cannot revoke "
            + ("this key with all that were made with it." if cascade else "this key.")
        ) from error


def _require_admin(principal: Principal) -> None:
    if Scope.ADMIN not in principal.scopes:
        raise ScopeMissing(
            f"This API key lacks the scope '{Scope.ADMIN}', which is needed for other owners' keys."
        )
