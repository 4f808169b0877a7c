"""The owner's API keys: a list, a form for a new one, a button to end each."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response, status
from fastapi.responses import RedirectResponse
from pydantic import ConfigDict, model_validator
from sqlalchemy.orm import Session, sessionmaker

from api import paging
from api.auth import Reader, Writer
from api.errors import NotFound
from api.page.render import page
from api.paging import PageWanted
from api.routes.keys import KeyItem, KeyRequest, issue
from api.service import Database
from jobs import keys
from jobs.keys import Principal, Scope

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
        if not keys.revoke(session, who.owner, key_id):
            raise NotFound("There is no such key under this sign-in.")
    return RedirectResponse("/keys", status.HTTP_303_SEE_OTHER)


def _page(
    database: sessionmaker[Session], who: Principal, wanted: PageWanted, new: str | None = None
) -> Response:
    with database.begin() as session:
        rows = keys.newest(session, who.owner, before=wanted.cursor, limit=wanted.limit + 1)
    shown, cursor = paging.split(rows, wanted)
    return page(
        "keys.html",
        keys=[KeyItem.model_validate(row) for row in shown],
        older=cursor,
        new=new,
        scopes=[scope for scope in Scope if scope in who.scopes],
        ordinary=keys.ORDINARY_SCOPES,
        who=who,
        place="keys",
    )
