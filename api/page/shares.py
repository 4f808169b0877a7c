"""What owners may take of the workers: one's own share, and for the scope `admin` everybody's."""

from typing import Annotated

from fastapi import APIRouter, Form, Response, status
from fastapi.responses import RedirectResponse
from pydantic import ConfigDict, model_validator

from api.actions import workers
from api.actions.workers import DAYS
from api.page.base.forms import without_empty
from api.page.base.render import page
from api.resources import Resources
from api.schemas.workers import ShareChange
from api.security.auth import Reader, requires
from jobs.access.api_keys import Principal, Scope
from pruning.recipe import Text

router = APIRouter(include_in_schema=False)

Operator = Annotated[Principal, requires(Scope.ADMIN, Scope.JOBS_WRITE)]


class ShareForm(ShareChange):
    """A whole share, as the form sends it: every value is text, and an empty one is the default."""

    model_config = ConfigDict(strict=False)

    owner: Text

    _without_empty = model_validator(mode="before")(without_empty)


@router.get("/shares")
def show(principal: Reader, resources: Resources) -> Response:
    """Show one's own share, and to an admin everybody's."""
    listed = workers.shares(resources, principal, "GET /shares", DAYS).items
    return page(
        "shares.html",
        own=next(share for share in listed if share.owner == principal.owner),
        everybody=listed if Scope.ADMIN in principal.scopes else [],
        days=DAYS,
        principal=principal,
        place="shares",
    )


@router.post("/shares")
def grant(form: Annotated[ShareForm, Form()], principal: Operator, resources: Resources) -> Response:
    """Set an owner's share and show the list."""
    share = ShareChange.model_validate(form.model_dump(exclude={"owner"}))
    workers.grant(resources, principal, form.owner, share)
    return RedirectResponse("/shares", status.HTTP_303_SEE_OTHER)
