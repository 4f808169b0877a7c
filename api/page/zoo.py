"""The pages of the zoo: the list and an entry, and the button that promotes a job."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.actions import zoo
from api.page.base.format import pruning
from api.page.base.inputs import FilterForm
from api.page.base.render import page, public_address
from api.page.pictures.pictures import Hints, picture, picture_of
from api.resources import AppResources, Database, Resources
from api.schemas.job_requests import METHOD_NAMES
from api.schemas.zoo import Note, Slug, ZooDetail, ZooListQuery
from api.security.auth import Reader, Writer
from jobs import queries
from jobs.access.api_keys import Scope
from jobs.tables import Job
from jobs.zoo import artifacts
from pruning.recipe import NORMS_ONLY

router = APIRouter(include_in_schema=False)


class ZooFilterForm(FilterForm, ZooListQuery):
    """The filters of the list, as the form sends them."""


@router.get("/zoo")
def list_entries(
    filters: Annotated[ZooFilterForm, Query()], principal: Reader, database: Database
) -> Response:
    """Show the list."""
    entries = zoo.list_page(database, filters)
    with database.begin() as session:
        cut = queries.cuts_of_entries(session, [entry.slug for entry in entries.items])
    return page(
        "zoo/list.html",
        place="zoo",
        entries=entries,
        prunings={entry.slug: pruning(entry, cut.get(entry.slug)) for entry in entries.items},
        filters=filters,
        methods=[name for name in METHOD_NAMES if name != NORMS_ONLY],
        older=filters.query_string(entries.next_cursor) if entries.next_cursor else None,
        principal=principal,
    )


@router.get("/zoo/{slug}")
def show(request: Request, slug: Slug, principal: Reader, database: Database) -> Response:
    """Show an entry."""
    with database.begin() as session:
        shown = zoo.find(session, slug)
        entry = ZooDetail.with_files(shown, artifacts(session, slug))
        cut = queries.cuts_of_entries(session, [slug]).get(slug)
    mine = shown.job.owner == principal.owner
    return page(
        "zoo/entry.html",
        place="zoo",
        entry=entry,
        pruning=pruning(entry, cut),
        files={file.name: file.url for file in entry.files},
        picture=picture(shown.job.report or {}),
        mine=mine,
        may_withdraw=(mine or Scope.ADMIN in principal.scopes) and Scope.JOBS_WRITE in principal.scopes,
        server=public_address(request),
        principal=principal,
    )


@router.get("/zoo/{slug}/picture.svg")
async def show_picture(slug: Slug, principal: Reader, resources: Resources, hints: Hints) -> Response:
    """Show the picture of an entry."""
    job = await run_in_threadpool(_job, resources, slug)
    return await picture_of(job, principal, resources, hints)


def _job(resources: AppResources, slug: str) -> Job:
    with resources.database.begin() as session:
        return zoo.find(session, slug).job


@router.post("/zoo/{slug}/withdraw")
def withdraw(slug: Slug, principal: Writer, database: Database) -> Response:
    """Withdraw an entry."""
    zoo.withdraw(database, principal, slug)
    return RedirectResponse("/zoo", status.HTTP_303_SEE_OTHER)


@router.post("/jobs/{job_id}/promote")
def promote(
    job_id: UUID, principal: Writer, database: Database, note: Annotated[Note, Form()] = ""
) -> Response:
    """Show the job in the zoo."""
    entry = zoo.promote(database, principal, job_id, note)
    return RedirectResponse(entry.page, status.HTTP_303_SEE_OTHER)
