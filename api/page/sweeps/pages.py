"""The list of sweeps and searches, and the page of one: its stream, its picture, and its button.

As with jobs, the stream sends rendered fragments that show the current state. A search adds jobs while it
runs, and none of them knows of the others, so the stream watches the sweep itself.
"""

from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from api.actions import sweeps
from api.page.base.inputs import Owner, owner_query
from api.page.base.render import fragment, page
from api.page.compare.page import NARROW_PIXELS, PIXELS, front_of
from api.page.pictures.pictures import Hints
from api.page.sweeps import views
from api.page.sweeps.views import SweepView
from api.problems.catalogue import NotFound
from api.resources import AppResources, Database, Resources
from api.schemas.base import PageQuery
from api.security.auth import Reader, Writer
from api.streams import KEEPALIVE, STREAM_HEADERS
from jobs.access.api_keys import Principal
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


_FRAGMENTS = ("overview", "body")


@router.get("/sweeps/{sweep_id}")
def show(sweep_id: UUID, principal: Reader, owner: Owner, database: Database) -> Response:
    """Show the page of a sweep."""
    view = _view(database, owner, sweep_id)
    return page("sweeps/sweep.html", place="sweeps", **_values(view, owner, principal))


@router.get("/sweeps/{sweep_id}/front.svg")
async def picture(
    sweep_id: UUID,
    principal: Reader,
    owner: Owner,
    resources: Resources,
    hints: Hints,
    *,
    files: bool = False,
) -> Response:
    """Show the jobs of a sweep and the bound of a search, or the exported files of the jobs."""
    view = await run_in_threadpool(_view, resources.database, owner, sweep_id)
    comparison = view.comparison.of_files if files else view.comparison
    return await front_of(comparison, principal, resources, hints, view.bound)


@router.get("/sweeps/{sweep_id}/stream")
async def follow(sweep_id: UUID, principal: Reader, owner: Owner, resources: Resources) -> Response:
    """Stream the fragments of the page whenever they change, until the sweep has ended."""
    await run_in_threadpool(_view, resources.database, owner, sweep_id)
    return EventSourceResponse(_fragments(resources, principal, owner, sweep_id), headers=STREAM_HEADERS)


@router.post("/sweeps/{sweep_id}/cancel")
def cancel(sweep_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Cancel the jobs of the sweep that have not ended, and show it."""
    sweeps.cancel(resources, principal, owner, sweep_id)
    return RedirectResponse(f"/sweeps/{sweep_id}{owner_query(principal, owner)}", status.HTTP_303_SEE_OTHER)


async def _fragments(
    resources: AppResources, principal: Principal, owner: str, sweep_id: UUID
) -> AsyncIterator[bytes]:
    sent: dict[str, str] = {}

    def render() -> tuple[bool, dict[str, str]]:
        view = _view(resources.database, owner, sweep_id)
        values = _values(view, owner, principal)
        html = {name: fragment(f"sweeps/sweep/{name}.html", **values) for name in _FRAGMENTS}
        return view.is_running, html

    async for is_running, html in resources.streams.watch(render, principal, owner):
        changed = [name for name in _FRAGMENTS if html[name] != sent.get(name)]
        for name in changed:
            yield format_sse_event(event=name, data_str=html[name])
        if not is_running:
            yield format_sse_event(event="end", data_str="")
            return
        if not changed:
            yield KEEPALIVE
        sent = html


def _values(view: SweepView, owner: str, principal: Principal) -> dict[str, Any]:
    return {
        "view": view,
        "comparison": view.comparison,
        "bounded": view.target is not None,
        "query": owner_query(principal, owner).removeprefix("?"),
        "pixels": PIXELS,
        "narrow": NARROW_PIXELS,
        "principal": principal,
    }


def _view(database: Database, owner: str, sweep_id: UUID) -> SweepView:
    view = views.read(database, owner, sweep_id)
    if view is None:
        raise NotFound(sweeps.NO_SUCH_SWEEP)
    return view
