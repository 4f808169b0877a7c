"""The workers and queues of this service, for the scope `admin`, and the stream that keeps the list live."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Literal

from fastapi import APIRouter, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event

from api.actions import workers
from api.actions.workers import Look
from api.page.base.render import fragment, page
from api.problems.problems import NotFound
from api.resources import AppResources, Resources
from api.schemas.workers import Availability
from api.security.auth import requires
from api.streams.streams import HEADERS, KEEPALIVE
from jobs.access.api_keys import Principal, Scope
from pruning.recipe import Text

router = APIRouter(include_in_schema=False)

Admin = Annotated[Principal, requires(Scope.ADMIN)]
Operator = Annotated[Principal, requires(Scope.ADMIN, Scope.JOBS_WRITE)]
QueueAct = Literal["pause", "resume"]
WorkerAct = Literal["cordon", "uncordon", "drain"]

_AVAILABILITY: dict[WorkerAct, Availability] = {
    "cordon": Availability.CORDONED,
    "uncordon": Availability.ACTIVE,
    "drain": Availability.DRAINING,
}


@router.get("/workers")
def list_workers(principal: Admin, resources: Resources) -> Response:
    """Show the workers and the queues."""
    listed = Look(resources, principal, "GET /workers").read().items
    queues = workers.list_queues(resources).items
    return page("workers/list.html", workers=listed, queues=queues, principal=principal, place="workers")


@router.post("/workers/{worker}/{act}")
def steer_worker(worker: Text, act: WorkerAct, principal: Operator, resources: Resources) -> Response:
    """Cordon, uncordon or drain a worker and show the list. One that has ended meanwhile is gone from it."""
    with suppress(NotFound):
        workers.steer(resources, principal, worker, _AVAILABILITY[act])
    return RedirectResponse("/workers", status.HTTP_303_SEE_OTHER)


@router.post("/queues/{queue}/{act}")
def steer_queue(queue: Text, act: QueueAct, principal: Operator, resources: Resources) -> Response:
    """Pause or resume a queue and show the list."""
    workers.steer_queue(resources, principal, queue, paused=act == "pause")
    return RedirectResponse("/workers", status.HTTP_303_SEE_OTHER)


@router.get("/workers/stream")
async def follow_workers(principal: Admin, resources: Resources) -> Response:
    """Stream the rows of the list whenever they change."""
    return EventSourceResponse(_rows(resources, principal), headers=HEADERS)


async def _rows(resources: AppResources, principal: Principal) -> AsyncIterator[bytes]:
    previous = None
    look = Look(resources, principal, "GET /workers/stream")
    async for listed in resources.streams.watch(look.read, principal, None):
        rows = fragment("workers/rows.html", workers=listed.items, principal=principal)
        yield KEEPALIVE if rows == previous else format_sse_event(event="rows", data_str=rows)
        previous = rows
