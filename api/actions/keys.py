"""API keys. One with the scope `admin` manages every owner's keys, any other those of its own owner."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from api.problems.base import FieldError
from api.problems.catalogue import InvalidRequest, NotAuthenticated, NotFound, QuotaExceeded, ScopeMissing
from api.resources import AppResources
from api.schemas.access import KeyItem, KeyPage, KeyRequest, NewKey
from api.schemas.base import PageQuery
from jobs.access import api_keys, audit
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action
from jobs.settings import Settings

_DEFAULT_DAYS = 365.0


def issue(resources: AppResources, principal: Principal, request: KeyRequest) -> NewKey:
    """Create a key. Raises ScopeMissing for one that the principal may not grant, InvalidRequest for one that
    would be valid for too long, QuotaExceeded, and NotAuthenticated if the principal was revoked meanwhile.
    """
    owner = request.owner or principal.owner
    if owner != principal.owner:
        _require_admin(principal)
    lifetime = _lifetime(resources.settings, request.expires_in_days)
    try:
        with resources.database.begin() as session:
            row, key = api_keys.issue(
                session,
                owner,
                request.name,
                request.scopes,
                created_by=principal.key_id,
                lifetime=lifetime,
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


def _lifetime(settings: Settings, days: float | None) -> timedelta:
    """Return the lifetime of a key requested for `days`. Raises InvalidRequest beyond the maximum."""
    if days is not None and days > settings.max_key_days:
        message = f"must be at most {settings.max_key_days:g}, which the operator of this service has set"
        raise InvalidRequest(FieldError.of("expires_in_days", message, days))
    return timedelta(days=default_days(settings) if days is None else days)


def default_days(settings: Settings) -> float:
    """Return the lifetime in days of a key that was requested without one."""
    return min(_DEFAULT_DAYS, settings.max_key_days)


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

    Raises NotFound, and ScopeMissing for a key with a scope that the principal's lacks.
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
            f"This API key lacks the scope '{error.scope}', so it cannot revoke a key that has it."
        ) from error


def _require_admin(principal: Principal) -> None:
    if Scope.ADMIN not in principal.scopes:
        raise ScopeMissing(
            f"This API key lacks the scope '{Scope.ADMIN}', which is needed for other owners' keys."
        )
