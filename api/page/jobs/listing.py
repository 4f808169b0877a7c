"""The list of jobs, and the stream that keeps it live.

The stream sends the rendered rows. They show the current state and not a change, so rows that arrive twice
or not at all do no harm. Without JavaScript, loading the page again shows the same.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import Field, PrivateAttr, model_validator

from api.actions import jobs
from api.page.base.forms import without_empty
from api.page.base.owners import Owner
from api.page.base.render import fragment, page
from api.resources import AppResources, Database, Resources
from api.schemas.jobs import JobListQuery, JobPage
from api.schemas.pages import encode_cursor
from api.security.auth import Reader
from api.streams.streams import HEADERS, KEEPALIVE
from jobs.access.api_keys import Principal, Scope
from jobs.queries.models import models_containing
from jobs.queries.queries import JobFilter
from jobs.spec.gate import GateState
from jobs.states import JobState
from pruning.recipe import METHODS, Text

router = APIRouter(include_in_schema=False)

MAX_MODELS = 20
"""A search lists the jobs of at most this many models. The page says so if it has found more."""


class JobFilterForm(JobListQuery):
    """The filters of the list, as the form sends them."""

    search: Text | None = Field(None, description="Jobs whose model's name contains this.")
    owner: Text | None = Field(None, description="Jobs of another owner; needs the scope `admin`.")
    _models: tuple[str, ...] | None = PrivateAttr(None)
    _without_empty = model_validator(mode="before")(without_empty)

    def filter(self) -> JobFilter:
        """Return the filter for the database, with the models that the search has found."""
        return replace(super().filter(), models=self._models)

    def set_models(self, models: tuple[str, ...]) -> None:
        """Set the models that the search has found."""
        self._models = models

    @property
    def too_many_models(self) -> bool:
        """Whether the search may have found more models than are listed."""
        return len(self._models or ()) >= MAX_MODELS

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is set."""
        return bool(self.model_dump(exclude={"cursor", "limit"}, exclude_defaults=True))

    def query_string(self, cursor: str | None = None) -> str:
        """Return the query string of the list with these filters, from its start or from a cursor."""
        filters = self.model_dump(mode="json", exclude={"cursor"}, exclude_defaults=True)
        return urlencode(filters | ({"cursor": cursor} if cursor else {}), doseq=True)


Filters = Annotated[JobFilterForm, Query()]


@router.get("/")
def home() -> Response:
    """Go to the list: it is the home page."""
    return RedirectResponse("/jobs", status.HTTP_307_TEMPORARY_REDIRECT)


@router.get("/jobs")
def list_jobs(filters: Filters, principal: Reader, owner: Owner, database: Database) -> Response:
    """Show the list."""
    listed = _read(database, owner, filters)
    return page(
        "jobs/list.html",
        jobs=listed,
        filters=filters,
        states=list(JobState),
        methods=list(METHODS),
        gates=list(GateState),
        older=filters.query_string(listed.next_cursor) if listed.next_cursor else None,
        live=filters.query_string(encode_cursor(filters.cursor) if filters.cursor else None),
        is_admin=Scope.ADMIN in principal.scopes,
        principal=principal,
    )


@router.get("/jobs/stream")
async def follow_list(filters: Filters, principal: Reader, owner: Owner, resources: Resources) -> Response:
    """Stream the rows of the list whenever they change."""
    return EventSourceResponse(_rows(resources, principal, owner, filters), headers=HEADERS)


async def _rows(
    resources: AppResources, principal: Principal, owner: str, filters: JobFilterForm
) -> AsyncIterator[bytes]:
    previous = None
    async for listed in resources.streams.watch(lambda: _read(resources.database, owner, filters), principal):
        rows = fragment("jobs/rows.html", jobs=listed, filters=filters)
        yield KEEPALIVE if rows == previous else format_sse_event(event="rows", data_str=rows)
        previous = rows


def _read(database: Database, owner: str, filters: JobFilterForm) -> JobPage:
    if filters.search is not None:
        with database.begin() as session:
            filters.set_models(tuple(models_containing(session, owner, filters.search, limit=MAX_MODELS)))
    return jobs.list_page(database, owner, filters)
