"""Sweeps: several jobs by one request, or the search for the sparsest model within a bound."""

from datetime import datetime
from itertools import product
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.orm import Session

from api.actions import allowed_paths
from api.http import pagination
from api.http.pagination import PageWanted
from api.problems.problems import (
    BodyTooLarge,
    FieldError,
    InvalidRequest,
    MalformedRequest,
    NotFound,
    QueueFull,
    UnsupportedMediaType,
    documented,
)
from api.resources import Database, Parts
from api.schemas.jobs import JobRequest, JobSummary
from api.security.auth import Reader, Writer
from jobs.states import SweepState
from jobs.sweeps import sweeps
from jobs.sweeps.bisection import Search, Target
from jobs.tables import Sweep

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])

_MOST_JOBS = 64

Values = Annotated[list[Any], Field(max_length=_MOST_JOBS)]


class Vary(BaseModel):
    """What differs from job to job. Every combination is a job; an N:M pattern has its own sparsity."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    sparsity: Values = Field([], examples=[[0.3, 0.5, 0.7]])
    pattern: Values = Field([], examples=[["unstructured", "2:4"]])
    method: Values = Field([], examples=[["wanda", {"name": "gblm", "norm": "l2"}]])

    def combinations(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """The fields of each job, in the order of the request and each only once."""
        found: list[dict[str, Any]] = []
        varied = {name: getattr(self, name) for name in Vary.model_fields if getattr(self, name)}
        for values in product(*varied.values()):
            fields = job | dict(zip(varied, values, strict=True))
            if ":" in str(fields.get("pattern", "")):
                fields.pop("sparsity", None)
            if fields not in found:
                found.append(fields)
        return found


class SweepRequest(BaseModel):
    """A job, and what is to vary about it, or what is searched for."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_extra={
            "examples": [
                {
                    "job": {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm"},
                    "vary": {"sparsity": [0.3, 0.4, 0.5], "pattern": ["unstructured", "2:4"]},
                },
                {
                    "job": {"model": "HuggingFaceTB/SmolLM2-135M", "method": "gblm"},
                    "target": {"max_perplexity_increase": 0.05},
                },
            ]
        },
    )

    job: dict[str, Any] = Field(description="The fields of a job (see `POST /v1/jobs`) but those that vary.")
    vary: Vary | None = None
    target: Target | None = Field(
        None, description="Search for the sparsest model within a bound, one job after the other."
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.vary is None) == (self.target is None):
            raise ValueError("needs either vary or target")
        names = (
            {"sparsity", "gate"}
            if self.target
            else {name for name in Vary.model_fields if self._varies(name)}
        )
        if twice := sorted(names & self.job.keys()):
            raise ValueError(f"job.{twice[0]} is decided by the sweep; leave it out")
        if self.vary is not None:
            self._check_number(self.vary)
        return self

    def _varies(self, name: str) -> bool:
        return bool(self.vary and getattr(self.vary, name))

    def _check_number(self, vary: Vary) -> None:
        number = 1
        for name in Vary.model_fields:
            number *= max(1, len(getattr(vary, name)))
        if not 2 <= number <= _MOST_JOBS:
            raise ValueError(f"vary makes {number} jobs; a sweep has 2 to {_MOST_JOBS}")


class SweepItem(BaseModel):
    """A sweep as it appears in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    state: SweepState
    error: str | None = Field(description="What has become of it, where it did not succeed.")
    request: dict[str, Any] = Field(description="As it was sent, with a target's defaults filled in.")
    search: Search | None = Field(description="Of a search: what is known so far.")
    created_at: datetime
    ended_at: datetime | None


class SweepDetail(SweepItem):
    """A sweep with its jobs; those of a search are its trace."""

    jobs: list[JobSummary]

    @classmethod
    def with_jobs(cls, session: Session, sweep: Sweep) -> Self:
        """The sweep of a row."""
        jobs = [JobSummary.of(job) for job in sweeps.jobs_of(session, sweep)]
        return cls(**SweepItem.model_validate(sweep).model_dump(), jobs=jobs)


class SweepPage(BaseModel):
    """A page of a list."""

    items: list[SweepItem]
    next_cursor: str | None = Field(description="Pass it as `cursor` for the next page; null on the last.")


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Submit a sweep or a search",
    responses=documented(MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest, QueueFull),
)
def submit(wanted: SweepRequest, who: Writer, parts: Parts, response: Response) -> SweepDetail:
    """Queue all jobs of a sweep, or none; or the first of a search, which asks for the next ones itself."""
    request = wanted.model_dump(mode="json", exclude_none=True)
    max_queued = parts.settings.max_queued_jobs
    with parts.database.begin() as session:
        if wanted.target is None:
            assert wanted.vary is not None  # noqa: S101 - validated
            variants = [_valid(fields) for fields in wanted.vary.combinations(wanted.job)]
            specs = [variant.spec() for variant in variants]
            for spec in specs:
                allowed_paths.check(spec, parts.settings)
            labels = variants[0].labels
            sweep = sweeps.create(session, who.owner, request, specs, labels, max_queued=max_queued)
        else:
            base = _valid(wanted.job | {"sparsity": wanted.target.lowest})
            if base.pattern != "unstructured":
                raise InvalidRequest(
                    FieldError(field="job.pattern", message="fixes the sparsity; search with 'unstructured'")
                )
            allowed_paths.check(base.spec(), parts.settings)
            sweep = sweeps.start_search(
                session, who.owner, request, base.spec(), wanted.target, base.labels, max_queued=max_queued
            )
        response.headers["Location"] = f"/v1/sweeps/{sweep.id}"
        return SweepDetail.with_jobs(session, sweep)


@router.get("", summary="List sweeps, newest first", responses=documented(InvalidRequest))
def list_sweeps(wanted: Annotated[PageWanted, Query()], who: Reader, database: Database) -> SweepPage:
    """A page of the owner's sweeps."""
    with database.begin() as session:
        rows = sweeps.newest(session, who.owner, before=wanted.cursor, limit=wanted.limit + 1)
    shown, cursor = pagination.split(rows, wanted)
    return SweepPage(items=[SweepItem.model_validate(row) for row in shown], next_cursor=cursor)


@router.get("/{sweep_id}", summary="Look at a sweep", responses=documented(NotFound, InvalidRequest))
def show(sweep_id: UUID, who: Reader, database: Database) -> SweepDetail:
    """The sweep with its jobs."""
    with database.begin() as session:
        return _detail(session, sweeps.get(session, who.owner, sweep_id))


@router.post("/{sweep_id}/cancel", summary="Cancel a sweep", responses=documented(NotFound, InvalidRequest))
def cancel(sweep_id: UUID, who: Writer, database: Database) -> SweepDetail:
    """Cancel whatever of its jobs has not ended. A sweep that has ended stays as it is."""
    with database.begin() as session:
        return _detail(session, sweeps.cancel(session, who.owner, sweep_id))


def _detail(session: Session, sweep: Sweep | None) -> SweepDetail:
    if sweep is None:
        raise NotFound("There is no such sweep under this API key.")
    return SweepDetail.with_jobs(session, sweep)


def _valid(fields: dict[str, Any]) -> JobRequest:
    """One of the sweep's jobs, or the refusal that `POST /v1/jobs` would give, of `job.<field>`."""
    try:
        return JobRequest.model_validate(fields)
    except ValidationError as error:
        found = [{**item, "loc": ("body", "job", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(found, body={"job": fields}) from error
