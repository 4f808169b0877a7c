"""The owner's API keys: a list, a form for a new one, a button to end each."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response, status
from fastapi.responses import RedirectResponse
from pydantic import ConfigDict, model_validator
from sqlalchemy.orm import Session, sessionmaker

from api.http import pagination
from api.http.pagination import PageWanted
from api.page.base.render import page
from api.problems.problems import NotFound
from api.resources import Database
from api.routes.keys import KeyItem, KeyRequest, issue
from api.security.auth import Reader, Writer
from jobs.access import api_keys
from jobs.access.api_keys import Principal, Scope

router = APIRouter(include_in_schema=False)


class KeyForm(KeyRequest):
    """As the form sends it: a field that is not filled in comes empty."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, sent: dict[str, object]) -> dict[str, object]:
        return {name: value for name, value in sent.items() if value != ""}


@router.get("/keys")
def list_keys(wanted: Annotated[PageWanted, Query()], who: Reader, database: Database) -> Response:
    """The keys that are not revoked."""
    return _page(database, who, wanted)


@router.post("/keys")
def make(wanted: Annotated[KeyForm, Form()], who: Writer, database: Database) -> Response:
    """Make a key and show it. Loading the answer again would make another, so that it is shown once only."""
    with database.begin() as session:
        _, key = issue(session, who, wanted)
    return _page(database, who, PageWanted(), new=key)


@router.post("/keys/{key_id}/revoke")
def revoke(key_id: UUID, who: Writer, database: Database) -> Response:
    """End a key. Whoever ends the one that they have signed in with is signed out by that."""
    with database.begin() as session:
        if not api_keys.revoke(session, who.owner, key_id):
            raise NotFound("There is no such key under this sign-in.")
    return RedirectResponse("/keys", status.HTTP_303_SEE_OTHER)


def _page(
    database: sessionmaker[Session], who: Principal, wanted: PageWanted, new: str | None = None
) -> Response:
    with database.begin() as session:
        rows = api_keys.newest(session, who.owner, before=wanted.cursor, limit=wanted.limit + 1)
    shown, cursor = pagination.split(rows, wanted)
    return page(
        "keys.html",
        keys=[KeyItem.model_validate(row) for row in shown],
        older=cursor,
        new=new,
        scopes=[scope for scope in Scope if scope in who.scopes],
        ordinary=api_keys.ORDINARY_SCOPES,
        who=who,
        place="keys",
    )
