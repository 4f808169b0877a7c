"""The list of jobs, the page of a job, and the streams that keep both live.

A stream sends rendered fragments. Each says how things are, not what has changed, so one that comes twice or
not at all does no harm. Without JavaScript the same pages say the same when they are loaded again.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import model_validator
from starlette.concurrency import run_in_threadpool

from api.auth import Reader, Writer
from api.errors import NotFound
from api.exceptions import UNREACHABLE_DATABASE
from api.page import views
from api.page.render import fragment, page
from api.page.views import JobView
from api.routes.events import LAST_ID
from api.routes.jobs import JobsWanted, read_page
from api.schemas import Event, encode_cursor
from api.service import Database, Parts, Service
from api.streams import HEADERS, KEEPALIVE
from jobs import lifecycle
from jobs.keys import Principal
from jobs.states import JobState
from pruning.recipe import METHODS

router = APIRouter(include_in_schema=False)

_NO_JOB = "There is no such job under this sign-in."


class Shown(JobsWanted):
    """The filters of the list. A form sends the empty string for a filter that is not set."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, sent: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in sent.items() if value not in ("", [""])}

    def query(self, cursor: str | None = None) -> str:
        """The query string of the list with these filters, from its start or from a cursor."""
        filters = self.model_dump(mode="json", exclude={"cursor"}, exclude_defaults=True)
        return urlencode(filters | ({"cursor": cursor} if cursor else {}), doseq=True)


Filters = Annotated[Shown, Query()]


@router.get("/")
def home() -> Response:
    """The list is the home page."""
    return RedirectResponse("/jobs", status.HTTP_307_TEMPORARY_REDIRECT)


@router.get("/jobs")
def list_jobs(shown: Filters, who: Reader, database: Database) -> Response:
    """The list."""
    jobs = read_page(database, who.owner, shown)
    return page(
        "jobs.html",
        jobs=jobs,
        shown=shown,
        states=list(JobState),
        methods=list(METHODS),
        older=shown.query(jobs.next_cursor) if jobs.next_cursor else None,
        live=shown.query(encode_cursor(shown.cursor) if shown.cursor else None),
        who=who,
    )


@router.get("/jobs/stream")
async def follow_list(shown: Filters, who: Reader, parts: Parts) -> Response:
    """The rows of the list, whenever they read differently."""
    return EventSourceResponse(_rows(parts, who.owner, shown), headers=HEADERS)


async def _rows(parts: Service, owner: str, shown: Shown) -> AsyncIterator[bytes]:
    before = None
    async for jobs in parts.streams.watch(lambda: read_page(parts.database, owner, shown)):
        rows = fragment("jobs/rows.html", jobs=jobs)
        yield KEEPALIVE if rows == before else format_sse_event(event="rows", data_str=rows)
        before = rows


@router.get("/jobs/{job_id}")
def show(job_id: UUID, who: Reader, database: Database) -> Response:
    """The page of a job."""
    return page("job.html", view=_view(database, who.owner, job_id), who=who)


@router.post("/jobs/{job_id}/cancel")
def cancel(job_id: UUID, who: Writer, database: Database) -> Response:
    """Cancel the job and show it again. One that has ended meanwhile is simply shown as it is."""
    with database.begin() as session, suppress(lifecycle.Conflict):
        if not lifecycle.cancel(session, who.owner, job_id):
            raise NotFound(_NO_JOB)
    return RedirectResponse(f"/jobs/{job_id}", status.HTTP_303_SEE_OTHER)


@router.get("/jobs/{job_id}/stream")
async def follow(
    job_id: UUID,
    who: Reader,
    parts: Parts,
    after: Annotated[int, Query(ge=0, le=LAST_ID)] = 0,
    last_event_id: Annotated[int | None, Header(ge=0, le=LAST_ID)] = None,
) -> Response:
    """The parts of a job's page that its events since `after` have changed."""
    await run_in_threadpool(_view, parts.database, who.owner, job_id)
    start = after if last_event_id is None else last_event_id
    return EventSourceResponse(_fragments(parts, who, job_id, start), headers=HEADERS)


async def _fragments(parts: Service, who: Principal, job_id: UUID, after: int) -> AsyncIterator[bytes]:
    async for batch in parts.streams.follow(job_id, after):
        if not batch:
            yield KEEPALIVE
            continue
        try:
            view = await run_in_threadpool(_view, parts.database, who.owner, job_id)
        except UNREACHABLE_DATABASE:
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
        changed += ["overview", "result"]
    return changed


def _view(database: Database, owner: str, job_id: UUID) -> JobView:
    with database.begin() as session:
        view = views.read(session, owner, job_id)
    if view is None:
        raise NotFound(_NO_JOB)
    return view
