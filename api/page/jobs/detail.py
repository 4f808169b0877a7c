"""The page of a job, the stream that keeps it live, and its buttons.

The stream sends rendered fragments. They show the current state and not a change, so one that arrives twice
or not at all does no harm. Without JavaScript, loading the page again shows the same.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from api.actions import jobs
from api.actions.waiting import WaitingReasons
from api.http.resume import ResumeAfter
from api.page.base.owners import Owner
from api.page.base.render import fragment, page
from api.page.jobs import views
from api.page.jobs.views import JobView
from api.problems.problems import JobEnded, NotDeletable, NotRetriable
from api.resources import AppResources, Resources
from api.schemas.jobs.waiting import Waiting
from api.security.auth import Reader, Writer
from api.streams.streams import HEADERS, KEEPALIVE
from jobs.access.api_keys import Principal
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle.events import Event

router = APIRouter(include_in_schema=False)


@router.get("/jobs/{job_id}")
def show(job_id: UUID, principal: Reader, owner: Owner, resources: Resources) -> Response:
    """Show the page of a job."""
    view = _view(resources, principal, owner, job_id)
    return page("jobs/job.html", view=view, principal=principal)


@router.post("/jobs/{job_id}/cancel")
def cancel(job_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Cancel the job and show it. One that has ended in the meantime is shown as it is."""
    with suppress(JobEnded):
        jobs.cancel(resources.database, owner, job_id, WaitingReasons.visible_to(principal, resources))
    return _to_job(principal, owner, job_id)


@router.post("/jobs/{job_id}/retry")
def retry(job_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Queue the job again and show it. One that was queued in the meantime is shown as it is."""
    with suppress(NotRetriable):
        jobs.retry(resources, owner, job_id, WaitingReasons.visible_to(principal, resources))
    return _to_job(principal, owner, job_id)


@router.post("/jobs/{job_id}/delete")
def delete(job_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Delete the job with its files and show the list. One that cannot be deleted is shown as it is."""
    try:
        jobs.delete(resources.database, owner, job_id)
    except NotDeletable:
        return _to_job(principal, owner, job_id)
    query = "" if owner == principal.owner else f"?{urlencode({'owner': owner})}"
    return RedirectResponse(f"/jobs{query}", status.HTTP_303_SEE_OTHER)


@router.get("/jobs/{job_id}/stream")
async def follow(
    job_id: UUID, principal: Reader, owner: Owner, resources: Resources, resume: ResumeAfter
) -> Response:
    """Stream the fragments of the page that the job's events change."""
    view = await run_in_threadpool(_view, resources, principal, owner, job_id)
    fragments = _fragments(resources, principal, owner, view, resume.event_id)
    return EventSourceResponse(fragments, headers=HEADERS)


async def _fragments(
    resources: AppResources, principal: Principal, owner: str, view: JobView, after: int
) -> AsyncIterator[bytes]:
    """Yield what changes from `view` on, with the events that follow the event `after`."""
    shown: Waiting | None = None
    async for batch in resources.streams.follow(view.job.id, after, principal):
        if not batch and view.waiting is None:
            yield KEEPALIVE
            continue
        try:
            view = await run_in_threadpool(_view, resources, principal, owner, view.job.id)
        except DATABASE_UNAVAILABLE:
            return  # the browser reconnects by itself, after the last fragment that it has seen
        changed = _changed_by(batch, waits_otherwise=view.waiting != shown)
        shown = view.waiting
        after = batch[-1].id if batch else after
        for name in changed:
            html = fragment(f"jobs/job/{name}.html", view=view, principal=principal)
            yield format_sse_event(event=name, data_str=html, id=str(after))
        if not changed:
            yield KEEPALIVE
    if not resources.streams.listener.closed:
        yield format_sse_event(event="end", data_str="")


def _changed_by(batch: Sequence[Event], *, waits_otherwise: bool) -> list[str]:
    """Return the fragments to send. One with a button or a link is sent only when its content changes.

    Why a job waits changes without an event (`waits_otherwise`).
    """
    if not batch:
        return ["progress"] if waits_otherwise else []
    kinds = {event.kind for event in batch}
    changed = ["progress"]
    if kinds != {"progress"}:
        changed += ["record", "announcement"]
    if "state" in kinds:
        changed += ["overview", "figures", "arrival"]
    return changed


def _view(resources: AppResources, principal: Principal, owner: str, job_id: UUID) -> JobView:
    reasons = WaitingReasons.visible_to(principal, resources)
    with resources.database.begin() as session:
        job = jobs.find(session, owner, job_id)
        return views.read(session, job, reasons.of_one(session, job))


def _to_job(principal: Principal, owner: str, job_id: UUID) -> Response:
    query = "" if owner == principal.owner else f"?{urlencode({'owner': owner})}"
    return RedirectResponse(f"/jobs/{job_id}{query}", status.HTTP_303_SEE_OTHER)
