"""API keys: create, list, revoke."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.actions import keys
from api.http.ids import KeyId
from api.problems.problem import documented
from api.problems.problems import (
    BodyTooLarge,
    InvalidRequest,
    MalformedRequest,
    NotFound,
    QuotaExceeded,
    UnsupportedMediaType,
)
from api.resources import Database, Resources
from api.schemas.keys import KeyListQuery, KeyPage, KeyRequest, NewKey, RevocationQuery
from api.security.auth import Reader, Writer

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Create a key",
    responses=documented(MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest, QuotaExceeded),
)
def create_key(request: KeyRequest, principal: Writer, resources: Resources, response: Response) -> NewKey:
    """Create an API key. The answer holds the key itself, which cannot be read again.

    A key grants no scope that yours lacks, and does not outlive yours, unless yours has the scope `admin`.
    """
    response.headers["Cache-Control"] = "no-store"
    return keys.issue(resources, principal, request)


@router.get("", summary="List keys, newest first", responses=documented(InvalidRequest))
def list_keys(query: Annotated[KeyListQuery, Query()], principal: Reader, database: Database) -> KeyPage:
    """List the keys that are not revoked, with the time of their last use."""
    return keys.list_page(database, principal, query, everyone=query.everyone)


@router.delete(
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
    leaked, `cascade` also revokes what was made with it.
    """
    keys.revoke(database, principal, key_id, cascade=query.cascade)
