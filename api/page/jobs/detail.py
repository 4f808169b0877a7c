"""The page of a job, the stream that keeps it live, and what can be done to the job there.

The stream sends rendered fragments. Each says how things are, not what has changed, so one that comes twice
or not at all does no harm. Without JavaScript the same page says the same when it is loaded again.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from api.page.base.owners import Owner
from api.page.base.render import fragment, page
from api.page.jobs import views
from api.page.jobs.views import JobView
from api.problems.problems import NotFound
from api.resources import Database, Parts, Service
from api.routes.events import LAST_ID
from api.security.auth import Reader, Writer
from api.streams.streams import HEADERS, KEEPALIVE
from jobs.access.api_keys import Principal
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle import lifecycle
from jobs.lifecycle.events import Event

router = APIRouter(include_in_schema=False)

_NO_JOB = "There is no such job under this sign-in."


@router.get("/jobs/{job_id}")
def show(request: Request, job_id: UUID, who: Reader, owner: Owner, database: Database) -> Response:
    """The page of a job."""
    view = _view(database, owner, job_id)
    return page("job.html", view=view, who=who, server=str(request.base_url).rstrip("/"))


@router.post("/jobs/{job_id}/cancel")
def cancel(job_id: UUID, who: Writer, owner: Owner, database: Database) -> Response:
    """Cancel the job and show it again. One that has ended meanwhile is simply shown as it is."""
    with database.begin() as session, suppress(lifecycle.Conflict):
        if not lifecycle.cancel(session, owner, job_id):
            raise NotFound(_NO_JOB)
    return _back(who, owner, job_id)


@router.post("/jobs/{job_id}/retry")
def retry(job_id: UUID, who: Writer, owner: Owner, parts: Parts) -> Response:
    """Queue the job again and show it. One that is queued or running by now is shown as it is."""
    with parts.database.begin() as session, suppress(lifecycle.Conflict):
        if not lifecycle.retry(session, owner, job_id, max_queued=parts.settings.max_queued_jobs):
            raise NotFound(_NO_JOB)
    return _back(who, owner, job_id)


@router.get("/jobs/{job_id}/stream")
async def follow(
    job_id: UUID,
    who: Reader,
    owner: Owner,
    parts: Parts,
    after: Annotated[int, Query(ge=0, le=LAST_ID)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0, le=LAST_ID)] = None,
) -> Response:
    """The parts of a job's page that its events since `after` have changed."""
    await run_in_threadpool(_view, parts.database, owner, job_id)
    start = after if last_event_id is None else last_event_id
    return EventSourceResponse(_fragments(parts, who, owner, job_id, start), headers=HEADERS)


async def _fragments(
    parts: Service, who: Principal, owner: str, job_id: UUID, after: int
) -> AsyncIterator[bytes]:
    async for batch in parts.streams.follow(job_id, after, who):
        if not batch:
            yield KEEPALIVE
            continue
        try:
            view = await run_in_threadpool(_view, parts.database, owner, job_id)
        except DATABASE_UNAVAILABLE:
            return  # the browser comes back by itself, from the last fragment that it has seen
        for name in _changed_by(batch):
            html = fragment(f"job/{name}.html", view=view, who=who)
            yield format_sse_event(event=name, data_str=html, id=str(batch[-1].id))
    if not parts.streams.doorbell.closed:
        yield format_sse_event(event="end", data_str="")


def _changed_by(batch: Sequence[Event]) -> list[str]:
    """The fragments to send. What holds a button or a link is sent only when it says something new."""
    kinds = {event.kind for event in batch}
    changed = ["progress"]
    if kinds != {"progress"}:
        changed += ["record", "announcement"]
    if "state" in kinds:
        changed += ["overview", "figures", "result"]
    return changed


def _view(database: Database, owner: str, job_id: UUID) -> JobView:
    with database.begin() as session:
        view = views.read(session, owner, job_id)
    if view is None:
        raise NotFound(_NO_JOB)
    return view


def _back(who: Principal, owner: str, job_id: UUID) -> Response:
    query = "" if owner == who.owner else f"?{urlencode({'owner': owner})}"
    return RedirectResponse(f"/jobs/{job_id}{query}", status.HTTP_303_SEE_OTHER)
