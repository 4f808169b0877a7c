"""The list of jobs, and the stream that keeps it live.

The stream sends the rendered rows. They show the current state and not a change, so rows that arrive twice
or not at all do no harm. Without JavaScript, loading the page again shows the same.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import Field

from api.actions import jobs
from api.page.base.format import pruning
from api.page.base.inputs import FilterForm, Owner
from api.page.base.render import fragment, page
from api.resources import AppResources, Resources
from api.schemas.base import encode_cursor
from api.schemas.job_requests import MAX_MODELS, METHOD_NAMES, JobListQuery
from api.schemas.jobs import JobSummary
from api.security.auth import Reader
from api.streams import KEEPALIVE, STREAM_HEADERS
from jobs import queries
from jobs.access.api_keys import Principal, Scope
from jobs.queries import Cut, models_containing
from jobs.spec.gate import GateState
from jobs.states import JobState
from pruning.recipe import Text

router = APIRouter(include_in_schema=False)


class JobFilterForm(FilterForm, JobListQuery):
    """The filters of the list, as the form sends them."""

    owner: Text | None = Field(None, description="Jobs of another owner; needs the scope `admin`.")

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is set."""
        return bool(self.model_dump(exclude={"cursor", "limit", "order"}, exclude_defaults=True))


@dataclass(frozen=True, slots=True)
class Row:
    """A job in the list."""

    job: JobSummary
    model: str
    """The model's name without the directories that all models of the page share."""
    seconds: float | None
    """How long workers have had it; None before the first one has."""
    cut: Cut | None

    @property
    def title(self) -> str:
        """The headline: the job's name, or its model's."""
        return self.job.name or self.model

    @property
    def pruning(self) -> str:
        """What the job does to its model."""
        return pruning(self.job, self.cut)


@dataclass(frozen=True, slots=True)
class JobTable:
    """A page of the list."""

    rows: list[Row]
    next_cursor: str | None
    too_many_models: bool
    """Whether the search may have found more models than are listed."""


Filters = Annotated[JobFilterForm, Query()]


@router.get("/")
def home() -> Response:
    """Go to the list: it is the home page."""
    return RedirectResponse("/jobs", status.HTTP_307_TEMPORARY_REDIRECT)


@router.get("/jobs")
def list_jobs(filters: Filters, principal: Reader, owner: Owner, resources: Resources) -> Response:
    """Show the list."""
    listed = _read(resources, principal, owner, filters)
    return page(
        "jobs/list.html",
        listed=listed,
        filters=filters,
        states=list(JobState),
        methods=METHOD_NAMES,
        gates=list(GateState),
        older=filters.query_string(listed.next_cursor) if listed.next_cursor else None,
        live=filters.query_string(encode_cursor(filters.cursor) if filters.cursor else None),
        is_admin=Scope.ADMIN in principal.scopes,
        principal=principal,
    )


@router.get("/jobs/stream")
async def follow_list(filters: Filters, principal: Reader, owner: Owner, resources: Resources) -> Response:
    """Stream the rows of the list whenever they change."""
    return EventSourceResponse(_rows(resources, principal, owner, filters), headers=STREAM_HEADERS)


async def _rows(
    resources: AppResources, principal: Principal, owner: str, filters: JobFilterForm
) -> AsyncIterator[bytes]:
    previous = None

    def render() -> str:
        listed = _read(resources, principal, owner, filters)
        return fragment("jobs/rows.html", listed=listed, filters=filters)

    async for rows in resources.streams.watch(render, principal, owner):
        yield KEEPALIVE if rows == previous else format_sse_event(event="rows", data_str=rows)
        previous = rows


def _read(resources: AppResources, principal: Principal, owner: str, filters: JobFilterForm) -> JobTable:
    found = jobs.list_page(resources, principal, owner, filters)
    with resources.database.begin() as session:
        ids = [job.id for job in found.items]
        too_many = (
            filters.search is not None
            and len(models_containing(session, owner, filters.search, limit=MAX_MODELS)) == MAX_MODELS
        )
        seconds, cut = queries.seconds_on_workers(session, ids), queries.cuts_of_jobs(session, ids)
    names = without_common_directories([job.model for job in found.items])
    rows = [
        Row(job, name, seconds.get(job.id), cut.get(job.id))
        for job, name in zip(found.items, names, strict=True)
    ]
    return JobTable(rows, found.next_cursor, too_many)


def without_common_directories(models: Sequence[str]) -> list[str]:
    """Return names of models, `org/name` or paths, without the leading parts that all of them share.

    The last part always stays.
    """
    parts = [model.split("/") for model in models]
    shared = 0
    while all(len(of) > shared + 1 for of in parts) and len({of[shared] for of in parts}) == 1:
        shared += 1
    return ["/".join(of[shared:]) for of in parts]
