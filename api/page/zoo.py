"""The pages of the zoo: the catalogue, an entry, and putting a job on show."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from pydantic import model_validator

from api.page.base.render import page
from api.page.pictures.pictures import Name, pictures
from api.page.pictures.routes import ClientHints, picture_of
from api.problems.problems import NotFound
from api.resources import Database
from api.routes.zoo import Note, Slug, ZooWanted, put_on_show, read_entry, read_zoo, take_off_show
from api.security.auth import Reader, Writer
from jobs import zoo
from jobs.access.api_keys import Scope
from jobs.queries import queries
from jobs.states import JobState
from pruning.recipe import METHODS

router = APIRouter(include_in_schema=False)

_NO_JOB = "There is no such job under this sign-in."


class Shown(ZooWanted):
    """The filters of the catalogue. A form sends the empty string for a filter that is not set."""

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, sent: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in sent.items() if value not in ("", [""])}

    def query(self, cursor: str | None = None) -> str:
        """The query string of the catalogue with these filters."""
        filters = self.model_dump(mode="json", exclude={"cursor"}, exclude_defaults=True)
        return urlencode(filters | ({"cursor": cursor} if cursor else {}))


@router.get("/zoo")
def catalogue(shown: Annotated[Shown, Query()], who: Reader, database: Database) -> Response:
    """The catalogue."""
    entries = read_zoo(database, shown)
    return page(
        "zoo.html",
        place="zoo",
        entries=entries,
        shown=shown,
        methods=list(METHODS),
        older=shown.query(entries.next_cursor) if entries.next_cursor else None,
        who=who,
    )


@router.get("/zoo/{slug}")
def show(request: Request, slug: Slug, who: Reader, database: Database) -> Response:
    """One entry."""
    entry = read_entry(database, slug)
    with database.begin() as session:
        found = zoo.get(session, slug)
    if found is None:
        raise NotFound
    mine = found.job.owner == who.owner
    return page(
        "zoo_entry.html",
        place="zoo",
        entry=entry,
        pictures=pictures(found.job.report or {}),
        mine=mine,
        may_withdraw=(mine or Scope.ADMIN in who.scopes) and Scope.JOBS_WRITE in who.scopes,
        server=str(request.base_url).rstrip("/"),
        who=who,
    )


@router.get("/zoo/{slug}/plots/{name}.svg")
def picture(slug: Slug, name: Name, who: Reader, database: Database, browser: ClientHints) -> Response:
    """One picture of an entry."""
    with database.begin() as session:
        found = zoo.get(session, slug)
        report = found.job.report if found else None
    return picture_of(report, name, browser)


@router.post("/zoo/{slug}/withdraw")
def withdraw(slug: Slug, who: Writer, database: Database) -> Response:
    """Take the entry off the show."""
    take_off_show(database, who, slug)
    return RedirectResponse("/zoo", status.HTTP_303_SEE_OTHER)


@router.get("/jobs/{job_id}/promote")
def ask(job_id: UUID, who: Writer, database: Database) -> Response:
    """What putting a job on show means, and for a note."""
    with database.begin() as session:
        job = queries.get(session, who.owner, job_id)
    if job is None or job.state != JobState.SUCCEEDED:
        raise NotFound(_NO_JOB)
    return page("promote.html", job=job, who=who)


@router.post("/jobs/{job_id}/promote")
def promote(job_id: UUID, who: Writer, database: Database, note: Annotated[Note, Form()] = "") -> Response:
    """Put the job on show."""
    return RedirectResponse(put_on_show(database, who.owner, job_id, note).page, status.HTTP_303_SEE_OTHER)
