"""The workers of this service, for the scope `admin`, and the stream that keeps the list live."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.sse import EventSourceResponse, format_sse_event

from api.actions.workers import Look
from api.page.base.render import fragment, page
from api.resources import AppResources, Resources
from api.security.auth import requires
from api.streams.streams import HEADERS, KEEPALIVE
from jobs.access.api_keys import Principal, Scope

router = APIRouter(include_in_schema=False)

Admin = Annotated[Principal, requires(Scope.ADMIN)]


@router.get("/workers")
def list_workers(principal: Admin, resources: Resources) -> Response:
    """Show the workers."""
    listed = Look(resources, principal, "GET /workers").read().items
    return page("workers/list.html", workers=listed, principal=principal, place="workers")


@router.get("/workers/stream")
async def follow_workers(principal: Admin, resources: Resources) -> Response:
    """Stream the rows of the list whenever they change."""
    return EventSourceResponse(_rows(resources, principal), headers=HEADERS)


async def _rows(resources: AppResources, principal: Principal) -> AsyncIterator[bytes]:
    previous = None
    look = Look(resources, principal, "GET /workers/stream")
    async for listed in resources.streams.watch(look.read, principal):
        rows = fragment("workers/rows.html", workers=listed.items)
        yield KEEPALIVE if rows == previous else format_sse_event(event="rows", data_str=rows)
        previous = rows
