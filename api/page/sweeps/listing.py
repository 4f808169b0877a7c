"""The list of sweeps and searches."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.actions import sweeps
from api.page.base.owners import Owner
from api.page.base.render import page
from api.page.sweeps import views
from api.resources import Database
from api.schemas.pages import PageQuery
from api.security.auth import Reader
from pruning.recipe import Text

router = APIRouter(include_in_schema=False)


class SweepListForm(PageQuery):
    """Which page of the list to show, and whose."""

    owner: Text | None = None


@router.get("/sweeps")
def list_sweeps(
    query: Annotated[SweepListForm, Query()], principal: Reader, owner: Owner, database: Database
) -> Response:
    """Show the list."""
    listed = sweeps.list_page(database, owner, query)
    with database.begin() as session:
        rows = views.rows(session, listed.items)
    return page(
        "sweeps/list.html",
        place="sweeps",
        rows=rows,
        older=listed.next_cursor,
        owner=owner,
        principal=principal,
    )
