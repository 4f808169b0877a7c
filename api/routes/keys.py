"""API keys: made, listed, revoked. An admin's key does it for every owner, any other for its own."""

from datetime import datetime, timedelta
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from api.http import pagination
from api.http.pagination import PageWanted
from api.problems.problems import (
    BodyTooLarge,
    InvalidRequest,
    MalformedRequest,
    NotFound,
    ScopeMissing,
    UnsupportedMediaType,
    documented,
)
from api.resources import Database
from api.security.auth import Reader, Writer
from jobs.access import api_keys
from jobs.access.api_keys import Principal, Scope
from jobs.tables import ApiKey
from pruning.recipe import Text

router = APIRouter(prefix="/v1/keys", tags=["keys"])

Owner = Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$", examples=["ada"])]


class KeyRequest(BaseModel):
    """The key that is wanted."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[Text, Field(max_length=100, examples=["ci"], description="What it is for.")]
    scopes: list[Scope] = Field(
        [*api_keys.ORDINARY_SCOPES], min_length=1, max_length=len(Scope), description="What it may do."
    )
    owner: Owner | None = Field(None, description="Whose key; another's only with the scope `admin`.")
    expires_in_days: float | None = Field(
        None, gt=0, le=3650, description="It does not run out when left out."
    )


class KeyItem(BaseModel):
    """A key, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    prefix: str = Field(description="The letters after `ps_`, by which a key can be recognised.")
    owner: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")


class NewKey(KeyItem):
    """A key that was just made."""

    key: str = Field(description="The key itself. Only its hash is kept: it cannot be read again.")

    @classmethod
    def of(cls, row: ApiKey, key: str) -> Self:
        """The key of a row, with its secret."""
        return cls(**KeyItem.model_validate(row).model_dump(), key=key)


class KeyPage(BaseModel):
    """A page of a list."""

    items: list[KeyItem]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")


class KeysWanted(PageWanted):
    """Which keys to list."""

    everyone: bool = Field(False, description="Those of every owner; needs the scope `admin`.")


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Make a key",
    responses=documented(MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest),
)
def create(wanted: KeyRequest, who: Writer, database: Database, response: Response) -> NewKey:
    """The answer holds the key, this once. No key gives what it lacks, or outlives the one that made it."""
    response.headers["Cache-Control"] = "no-store"
    with database.begin() as session:
        row, key = issue(session, who, wanted)
        return NewKey.of(row, key)


@router.get("", summary="List keys, newest first", responses=documented(InvalidRequest))
def list_keys(wanted: Annotated[KeysWanted, Query()], who: Reader, database: Database) -> KeyPage:
    """The keys that are not revoked, with their last use."""
    if wanted.everyone:
        _require_admin(who)
    owner = None if wanted.everyone else who.owner
    with database.begin() as session:
        rows = api_keys.newest(session, owner, before=wanted.cursor, limit=wanted.limit + 1)
    shown, cursor = pagination.split(rows, wanted)
    return KeyPage(items=[KeyItem.model_validate(row) for row in shown], next_cursor=cursor)


@router.delete(
    "/{key_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Revoke a key",
    responses=documented(NotFound, InvalidRequest),
)
def revoke(key_id: UUID, who: Writer, database: Database) -> None:
    """End a key, and the sessions of the page that it has opened, from the next request on."""
    with database.begin() as session:
        if not api_keys.revoke(session, None if Scope.ADMIN in who.scopes else who.owner, key_id):
            raise NotFound("There is no such key under this API key.")


def issue(session: Session, who: Principal, wanted: KeyRequest) -> tuple[ApiKey, str]:
    """Make the key, if `who` may. Raises `ScopeMissing`."""
    owner = wanted.owner or who.owner
    admin = Scope.ADMIN in who.scopes
    if owner != who.owner:
        _require_admin(who)
    lacking = [scope for scope in wanted.scopes if scope not in who.scopes]
    if lacking and not admin:
        raise ScopeMissing(f"This API key cannot give the scope '{lacking[0]}', which it lacks.")
    lifetime = timedelta(days=wanted.expires_in_days) if wanted.expires_in_days else None
    not_after = None if admin else who.expires_at
    return api_keys.issue(session, owner, wanted.name, wanted.scopes, lifetime=lifetime, not_after=not_after)


def _require_admin(who: Principal) -> None:
    if Scope.ADMIN not in who.scopes:
        raise ScopeMissing(f"This API key lacks the scope '{Scope.ADMIN}', which other owners' keys need.")
