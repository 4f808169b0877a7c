"""The list of jobs, and the stream that keeps it live.

The stream sends the rendered rows. They say how things are, not what has changed, so rows that come twice or
not at all do no harm. Without JavaScript the same page says the same when it is loaded again.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import RedirectResponse
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import Field, PrivateAttr, model_validator

from api.page.base.owners import whose
from api.page.base.render import fragment, page
from api.resources import Database, Parts, Service
from api.routes.jobs import JobListQuery, read_page
from api.schemas.jobs import JobPage, encode_cursor
from api.security.auth import Reader
from api.streams.streams import HEADERS, KEEPALIVE
from jobs.access.api_keys import Principal, Scope
from jobs.queries.models import models_containing
from jobs.queries.queries import JobFilter
from jobs.spec.gate import GateState
from jobs.states import JobState
from pruning.recipe import METHODS, Text

router = APIRouter(include_in_schema=False)

MOST_MODELS = 20
"""A search is over the jobs of so many models at most; the page says so where it has found more."""


class Shown(JobListQuery):
    """The filters of the list. A form sends the empty string for a filter that is not set."""

    search: Text | None = Field(None, description="A part of the model's name.")
    owner: Text | None = Field(None, description="Another owner's jobs, for who may see them.")
    _models: tuple[str, ...] | None = PrivateAttr(None)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, sent: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in sent.items() if value not in ("", [""])}

    def filter(self) -> JobFilter:
        """What narrows the list, with the models that the search has found."""
        return replace(super().filter(), models=self._models)

    def found(self, models: tuple[str, ...]) -> None:
        """Take what the search has found."""
        self._models = models

    @property
    def too_many_models(self) -> bool:
        """Whether the search has left some out."""
        return len(self._models or ()) >= MOST_MODELS

    @property
    def narrowed(self) -> bool:
        """Whether there is a filter to take away."""
        return bool(self.model_dump(exclude={"cursor", "limit"}, exclude_defaults=True))

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
    jobs = _read(database, whose(who, shown.owner), shown)
    return page(
        "jobs.html",
        jobs=jobs,
        shown=shown,
        states=list(JobState),
        methods=list(METHODS),
        gates=list(GateState),
        older=shown.query(jobs.next_cursor) if jobs.next_cursor else None,
        live=shown.query(encode_cursor(shown.cursor) if shown.cursor else None),
        administers=Scope.ADMIN in who.scopes,
        who=who,
    )


@router.get("/jobs/stream")
async def follow_list(shown: Filters, who: Reader, parts: Parts) -> Response:
    """The rows of the list, whenever they read differently."""
    return EventSourceResponse(_rows(parts, who, shown), headers=HEADERS)


async def _rows(parts: Service, who: Principal, shown: Shown) -> AsyncIterator[bytes]:
    before, owner = None, whose(who, shown.owner)
    async for jobs in parts.streams.watch(lambda: _read(parts.database, owner, shown), who):
        rows = fragment("jobs/rows.html", jobs=jobs, shown=shown)
        yield KEEPALIVE if rows == before else format_sse_event(event="rows", data_str=rows)
        before = rows


def _read(database: Database, owner: str, shown: Shown) -> JobPage:
    if shown.search is not None:
        with database.begin() as session:
            shown.found(tuple(models_containing(session, owner, shown.search, limit=MOST_MODELS)))
    return read_page(database, owner, shown)
