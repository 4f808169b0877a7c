"""What users decide or look up about themselves: API keys, teams, storage, documentation."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Response, status
from fastapi.responses import RedirectResponse
from pydantic import ConfigDict, model_validator

from api.actions import files, keys
from api.page.base.inputs import without_empty
from api.page.base.render import page
from api.resources import AppResources, Database, Resources
from api.schemas.access import KeyRequest
from api.schemas.base import PageQuery
from api.security.auth import Reader, Writer
from jobs.access import api_keys
from jobs.access.api_keys import Principal, Scope

router = APIRouter(include_in_schema=False)


class KeyForm(KeyRequest):
    """A key to create, as the form sends it: every value is text."""

    model_config = ConfigDict(strict=False)

    _without_empty = model_validator(mode="before")(without_empty)


@router.get("/settings")
def show(query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources) -> Response:
    """Show the page."""
    return _page(resources, principal, query)


@router.post("/settings/keys")
def create(form: Annotated[KeyForm, Form()], principal: Writer, resources: Resources) -> Response:
    """Create a key and show it. No redirect: a page that can be loaded again must not hold it."""
    new = keys.issue(resources, principal, form)
    return _page(resources, principal, PageQuery(), new=new.key)


@router.post("/settings/keys/{key_id}/revoke")
def revoke(
    key_id: UUID, principal: Writer, database: Database, cascade: Annotated[bool, Form()] = False
) -> Response:
    """Revoke a key. Revoking the one that the session was opened with signs out."""
    keys.revoke(database, principal, key_id, cascade=cascade)
    return RedirectResponse("/settings", status.HTTP_303_SEE_OTHER)


def _page(
    resources: AppResources, principal: Principal, query: PageQuery, new: str | None = None
) -> Response:
    listed = keys.list_page(resources.database, principal, query)
    return page(
        "settings.html",
        keys=listed.items,
        older=listed.next_cursor,
        makers=keys.makers(resources.database, listed),
        new=new,
        scopes=[scope for scope in Scope if scope in principal.scopes],
        ordinary=api_keys.ORDINARY_SCOPES,
        use=files.storage_use(resources, principal.owner),
        principal=principal,
        place="settings",
    )
