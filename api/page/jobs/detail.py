"""The page of a job, the stream that keeps it live, its buttons, and all of its files as one tar.

The stream sends rendered fragments. They show the current state and not a change, so a fragment that arrives
twice or not at all does no harm. Without JavaScript, loading the page again shows the same.
"""

import tarfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from functools import partial
from uuid import UUID

from fastapi import APIRouter, Response, status
from fastapi.responses import RedirectResponse, StreamingResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.concurrency import run_in_threadpool

from api.actions import jobs
from api.actions.jobs import WaitingReasons
from api.http.download import plain_content
from api.page.base.inputs import Owner, owner_query
from api.page.base.render import fragment, page
from api.page.jobs import views
from api.page.jobs.views import JobView
from api.problems.catalogue import ArtifactsExpired, JobEnded, NotDeletable, NotFound, NotRetriable
from api.resources import AppResources, Resources
from api.schemas.jobs import Waiting
from api.security.auth import Reader, Writer
from api.streams import KEEPALIVE, STREAM_HEADERS, ResumeAfter
from jobs import queries
from jobs.access.api_keys import Principal
from jobs.database import DATABASE_UNAVAILABLE
from jobs.lifecycle.events import Event
from jobs.storage.errors import NotStored
from jobs.storage.store import Store
from jobs.tables import Artifact, Job

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
        jobs.cancel(resources, principal, owner, job_id)
    return _to_job(principal, owner, job_id)


@router.post("/jobs/{job_id}/retry")
def retry(job_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Queue the job again and show it. One that was queued in the meantime is shown as it is."""
    with suppress(NotRetriable):
        jobs.retry(resources, principal, owner, job_id)
    return _to_job(principal, owner, job_id)


@router.post("/jobs/{job_id}/delete")
def delete(job_id: UUID, principal: Writer, owner: Owner, resources: Resources) -> Response:
    """Delete the job with its files and show the list. One that cannot be deleted is shown as it is."""
    try:
        jobs.delete(resources.database, owner, job_id)
    except NotDeletable:
        return _to_job(principal, owner, job_id)
    return RedirectResponse(f"/jobs{owner_query(principal, owner)}", status.HTTP_303_SEE_OTHER)


@router.get("/jobs/{job_id}/stream")
async def follow(
    job_id: UUID, principal: Reader, owner: Owner, resources: Resources, resume: ResumeAfter
) -> Response:
    """Stream the fragments of the page that the job's events change."""
    view = await run_in_threadpool(_view, resources, principal, owner, job_id)
    fragments = _fragments(resources, principal, owner, view, resume.event_id)
    return EventSourceResponse(fragments, headers=STREAM_HEADERS)


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
            read = partial(_view, resources, principal, owner, view.job.id)
            view = await resources.streams.read_in_turn(principal.owner, read)
        except DATABASE_UNAVAILABLE:
            return  # the browser reconnects by itself, after the last fragment that it has seen
        except NotFound:  # it was deleted since its events were read
            break
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
    return RedirectResponse(f"/jobs/{job_id}{owner_query(principal, owner)}", status.HTTP_303_SEE_OTHER)


_BLOCK = tarfile.BLOCKSIZE
_END_OF_ARCHIVE = bytes(2 * _BLOCK)


@router.get("/jobs/{job_id}/files.tar")
async def download_all(job_id: UUID, principal: Reader, resources: Resources) -> Response:
    """Send the files as they were before they were stored, without compression.

    A file that is missing or too short ends the response before its Content-Length.
    """
    job, files = await run_in_threadpool(_files, resources, principal.owner, job_id)
    folder = f"pruned-{job_id.hex[-8:]}"
    heads = [
        _tar_header(f"{folder}/{file.name}", file.size, int(job.created_at.timestamp())) for file in files
    ]
    size = sum(len(head) + file.size + -file.size % _BLOCK for head, file in zip(heads, files, strict=True))
    try:
        opened = partial(plain_content, resources.store, files[0])
        first = await resources.store_pool.run(principal.owner, opened)
    except NotStored as error:
        raise NotFound("The content of these files is no longer in the store.") from error
    headers = {
        "Content-Disposition": f'attachment; filename="{folder}.tar"',
        "Content-Length": str(size + len(_END_OF_ARCHIVE)),
        "Cache-Control": "private, no-store",
    }
    chunks = resources.store_pool.iterate(_archive(resources.store, files, heads, first))
    return StreamingResponse(chunks, media_type="application/x-tar", headers=headers)


def _files(resources: AppResources, owner: str, job_id: UUID) -> tuple[Job, Sequence[Artifact]]:
    with resources.database.begin() as session:
        job = jobs.find(session, owner, job_id)
        files = queries.artifacts(session, job.owner, job_id)
    if not files:
        raise ArtifactsExpired if job.artifacts_expired_at else NotFound("This job has no files.")
    return job, files


def _archive(
    store: Store, files: Sequence[Artifact], heads: Sequence[bytes], first: Iterator[bytes]
) -> Iterator[bytes]:
    for number, (file, head) in enumerate(zip(files, heads, strict=True)):
        yield head
        yield from plain_content(store, file) if number else first
        yield bytes(-file.size % _BLOCK)
    yield _END_OF_ARCHIVE


def _tar_header(name: str, size: int, modified: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = size, modified
    return entry.tobuf(tarfile.GNU_FORMAT)
