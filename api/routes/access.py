"""API keys, the caller, and the audit log."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.actions import keys
from api.http.parameters import KeyId
from api.problems.base import documented
from api.problems.catalogue import (
    BODY_PROBLEMS,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
)
from api.resources import Database, Resources
from api.schemas.access import (
    AuditItem,
    AuditPage,
    KeyListQuery,
    KeyPage,
    KeyRequest,
    Me,
    NewKey,
    RevocationQuery,
)
from api.schemas.base import PageQuery
from api.security.auth import Caller, Reader, Writer, requires
from jobs.access import audit
from jobs.access.api_keys import Principal, Scope

keys_router = APIRouter(prefix="/v1/keys", tags=["keys"])


@keys_router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Create a key",
    responses=documented(*BODY_PROBLEMS, QuotaExceeded),
)
def create_key(request: KeyRequest, principal: Writer, resources: Resources, response: Response) -> NewKey:
    """Create an API key. The answer holds the key itself, which cannot be read again.

    A key grants no scope that yours lacks, and does not outlive yours, unless yours has the scope `admin`.
    """
    response.headers["Cache-Control"] = "no-store"
    return keys.issue(resources, principal, request)


@keys_router.get("", summary="List keys, newest first", responses=documented(InvalidRequest))
def list_keys(query: Annotated[KeyListQuery, Query()], principal: Reader, database: Database) -> KeyPage:
    """List the keys that are not revoked, with the time of their last use."""
    return keys.list_page(database, principal, query, everyone=query.everyone)


@keys_router.delete(
    "/{key_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke a key",
    responses=documented(NotFound, InvalidRequest),
)
def revoke_key(
    key_id: KeyId, query: Annotated[RevocationQuery, Query()], principal: Writer, database: Database
) -> None:
    """Revoke a key. It is refused from the next request on, and page sessions that it opened end with it.

    A key cannot revoke one that has a scope which it lacks, unless it has the scope `admin`. When a key has
    leaked, `cascade` also revokes the keys that it made. Webhooks stay: delete those that you do not know.
    """
    keys.revoke(database, principal, key_id, cascade=query.cascade)


audit_router = APIRouter(prefix="/v1/audit", tags=["audit"])


@audit_router.get("", summary="List the audit log, newest first", responses=documented(InvalidRequest))
def list_audit_records(
    query: Annotated[PageQuery, Query()],
    _principal: Annotated[Principal, requires(Scope.ADMIN)],
    database: Database,
) -> AuditPage:
    """List changes of keys, webhooks and the zoo, failed sign-ins, and what admins did to others' jobs."""
    with database.begin() as session:
        rows = audit.newest(session, before=query.cursor, limit=query.rows)
    return AuditPage.of(rows, query, AuditItem.model_validate)


client_router = APIRouter(tags=["client"])


@client_router.get("/v1/me", summary="Look up whose key this is")
def get_me(principal: Caller) -> Me:
    """Return the owner of the key or page session that the request carries, and its scopes."""
    return Me(
        owner=principal.owner,
        key_id=principal.key_id,
        scopes=[scope for scope in Scope if scope in principal.scopes],
        expires_at=principal.expires_at,
    )
