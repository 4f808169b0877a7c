"""The list of jobs, and the stream that keeps it live.

The stream sends the rendered rows. They show the current state and not a change, so rows that arrive twice
or not at all do no harm. Without JavaScript, loading the page again shows the same.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import Field, PrivateAttr, model_validator

from api.actions import jobs
from api.actions.waiting import WaitingReasons
from api.page.base.format import pruning
from api.page.base.forms import without_empty
from api.page.base.owners import Owner
from api.page.base.render import fragment, page
from api.resources import AppResources, Resources
from api.schemas.jobs.answers import JobSummary
from api.schemas.jobs.query import MAX_MODELS, METHOD_NAMES, JobListQuery
from api.schemas.pages import encode_cursor
from api.security.auth import Reader
from api.streams.streams import HEADERS, KEEPALIVE
from jobs.access.api_keys import Principal, Scope
from jobs.queries import cuts, queries
from jobs.queries.cuts import Cut
from jobs.queries.models import models_containing
from jobs.queries.queries import JobFilter
from jobs.spec.gate import GateState
from jobs.states import JobState
from pruning.recipe import Text

router = APIRouter(include_in_schema=False)


class JobFilterForm(JobListQuery):
    """The filters of the list, as the form sends them."""

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
        return bool(self.model_dump(exclude={"cursor", "limit", "order"}, exclude_defaults=True))

    def query_string(self, cursor: str | None = None) -> str:
        """Return the query string of the list with these filters, from its start or from a cursor."""
        filters = self.model_dump(mode="json", exclude={"cursor"}, exclude_defaults=True)
        return urlencode(filters | ({"cursor": cursor} if cursor else {}), doseq=True)


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
class Listed:
    """A page of the list."""

    rows: list[Row]
    next_cursor: str | None


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
    return EventSourceResponse(_rows(resources, principal, owner, filters), headers=HEADERS)


async def _rows(
    resources: AppResources, principal: Principal, owner: str, filters: JobFilterForm
) -> AsyncIterator[bytes]:
    previous = None
    async for listed in resources.streams.watch(
        lambda: _read(resources, principal, owner, filters), principal, owner
    ):
        rows = fragment("jobs/rows.html", listed=listed, filters=filters)
        yield KEEPALIVE if rows == previous else format_sse_event(event="rows", data_str=rows)
        previous = rows


def _read(resources: AppResources, principal: Principal, owner: str, filters: JobFilterForm) -> Listed:
    if filters.search is not None:
        with resources.database.begin() as session:
            filters.set_models(tuple(models_containing(session, owner, filters.search, limit=MAX_MODELS)))
    reasons = WaitingReasons.visible_to(principal, resources)
    found = jobs.list_page(resources.database, owner, filters, reasons)
    with resources.database.begin() as session:
        ids = [job.id for job in found.items]
        seconds, cut = queries.seconds_on_workers(session, ids), cuts.of_jobs(session, ids)
    names = without_common_directories([job.model for job in found.items])
    rows = [
        Row(job, name, seconds.get(job.id), cut.get(job.id))
        for job, name in zip(found.items, names, strict=True)
    ]
    return Listed(rows, found.next_cursor)


def without_common_directories(models: Sequence[str]) -> list[str]:
    """Return names of models, `org/name` or paths, without the leading parts that all of them share.

    The last part always stays.
    """
    parts = [model.split("/") for model in models]
    shared = 0
    while all(len(of) > shared + 1 for of in parts) and len({of[shared] for of in parts}) == 1:
        shared += 1
    return ["/".join(of[shared:]) for of in parts]
