"""Jobs: submit, list, look at, cancel, retry."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response, status
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from sqlalchemy.orm import Session

from api.actions import allowed_paths
from api.http.etag import NOT_MODIFIED, Known
from api.problems.problems import (
    BodyTooLarge,
    IdempotencyKeyReused,
    InvalidRequest,
    JobEnded,
    MalformedRequest,
    NotFound,
    NotRetriable,
    QueueFull,
    UnsupportedMediaType,
    documented,
)
from api.resources import Database, Parts
from api.schemas.jobs import JobDetail, JobPage, JobRequest, JobSummary, decode_cursor, encode_cursor
from api.security.auth import Reader, Writer
from jobs.lifecycle import idempotency, lifecycle
from jobs.queries import queries
from jobs.spec.gate import GateState
from jobs.states import JobState
from jobs.tables import Job
from pruning.recipe import METHODS, Text

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


async def _body_as_sent(request: Request) -> bytes:
    return await request.body()


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Submit a job",
    responses={
        200: {"model": JobDetail, "description": "The job that this Idempotency-Key has made before."},
        **documented(
            MalformedRequest,
            BodyTooLarge,
            UnsupportedMediaType,
            InvalidRequest,
            IdempotencyKeyReused,
            QueueFull,
        ),
    },
)
def submit(
    wanted: JobRequest,
    body: Annotated[bytes, Depends(_body_as_sent)],
    who: Writer,
    parts: Parts,
    response: Response,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=255,
            pattern=r"^[!-~]+$",
            description="Makes a repeated request safe: the same key and body give the same job.",
        ),
    ] = None,
) -> JobDetail:
    """Queue one run of a recipe. A relative order of jobs is not promised; follow the job by its events."""
    spec = wanted.spec()
    allowed_paths.check(spec, parts.settings)
    max_queued = parts.settings.max_queued_jobs
    with parts.database.begin() as session:
        if idempotency_key is None:
            job = lifecycle.create(session, who.owner, spec, wanted.labels, max_queued=max_queued)
            created = True
        else:
            try:
                job, created = idempotency.create_once(
                    session, who.owner, idempotency_key, body, spec, wanted.labels, max_queued=max_queued
                )
            except idempotency.KeyReused as error:
                raise IdempotencyKeyReused from error
        detail = _detail(session, job)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if not created:
        response.status_code = status.HTTP_200_OK
    return detail


def _known_method(name: str) -> str:
    if name not in METHODS:
        raise ValueError(f"must be one of {', '.join(METHODS)}")
    return name


KnownMethod = Annotated[Text, AfterValidator(_known_method)]


def _label(term: str) -> str:
    name, equals, value = term.partition("=")
    if not (name and equals and value):
        raise ValueError("must be written name=value")
    return term


class JobListQuery(BaseModel):
    """Which of the owner's jobs to list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    state: list[JobState] = Field([], max_length=len(JobState), description="Any of these; repeat the name.")
    method: KnownMethod | None = None
    model: Text | None = Field(None, description="The model's id as it was submitted.")
    gate: GateState | None = Field(None, description="How the jobs met the gates that they were given.")
    label: list[Annotated[Text, AfterValidator(_label)]] = Field(
        [], max_length=4, description="A label as `name=value`; all of them, where it is repeated."
    )
    limit: int = Field(50, ge=1, le=200)
    cursor: Annotated[UUID, BeforeValidator(decode_cursor), WithJsonSchema({"type": "string"})] | None = (
        Field(None, description="The `next_cursor` of the page before.")
    )

    def filter(self) -> queries.JobFilter:
        """What narrows the list."""
        labels = tuple((name, value) for name, _, value in (term.partition("=") for term in self.label))
        return queries.JobFilter(tuple(dict.fromkeys(self.state)), self.method, self.model, self.gate, labels)


@router.get(
    "",
    summary="List jobs, newest first",
    response_model=JobPage,
    responses={**NOT_MODIFIED, **documented(InvalidRequest)},
)
def list_jobs(
    wanted: Annotated[JobListQuery, Query()], who: Reader, database: Database, known: Known
) -> JobPage | Response:
    """A page of the owner's jobs."""
    page = read_page(database, who.owner, wanted)
    return known.unchanged(page.model_dump_json()) or page


@router.get(
    "/{job_id}",
    summary="Look at a job",
    response_model=JobDetail,
    responses={**NOT_MODIFIED, **documented(NotFound, InvalidRequest)},
)
def show(job_id: UUID, who: Reader, database: Database, known: Known) -> JobDetail | Response:
    """Everything about a job, with its attempts and, once it has succeeded, its report."""
    with database.begin() as session:
        # What this answer shows changes with an event only; the report is long, and not read in vain.
        last_event = queries.last_event(session, who.owner, job_id)
        if last_event is None:
            raise NotFound("There is no such job under this API key.")
        if unchanged := known.unchanged(job_id, last_event):
            return unchanged
        job = queries.get(session, who.owner, job_id)
        if job is None:
            raise NotFound("There is no such job under this API key.")
        return _detail(session, job)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    responses={
        202: {"model": JobDetail, "description": "A worker has the job; it stops at its next block."},
        **documented(NotFound, JobEnded, InvalidRequest),
    },
)
def cancel(job_id: UUID, who: Writer, database: Database, response: Response) -> JobDetail:
    """Cancel a queued job at once (200), or ask the worker of a running one to stop (202)."""
    with database.begin() as session:
        try:
            found = lifecycle.cancel(session, who.owner, job_id)
        except lifecycle.Conflict as conflict:
            raise JobEnded(conflict.state) from conflict
        job = queries.get(session, who.owner, job_id) if found else None
        if job is None:
            raise NotFound("There is no such job under this API key.")
        detail = _detail(session, job)
    if detail.state == JobState.CANCELLING:
        response.status_code = status.HTTP_202_ACCEPTED
    return detail


@router.post(
    "/{job_id}/retry",
    summary="Queue a failed or cancelled job again",
    responses=documented(NotFound, NotRetriable, QueueFull, InvalidRequest),
)
def retry(job_id: UUID, who: Writer, parts: Parts) -> JobDetail:
    """The same job goes on from its finished blocks, as long as they are kept, under its next attempt."""
    max_queued = parts.settings.max_queued_jobs
    with parts.database.begin() as session:
        try:
            found = lifecycle.retry(session, who.owner, job_id, max_queued=max_queued)
        except lifecycle.Conflict as conflict:
            raise NotRetriable(conflict.state) from conflict
        job = queries.get(session, who.owner, job_id) if found else None
        if job is None:
            raise NotFound("There is no such job under this API key.")
        return _detail(session, job)


def read_page(database: Database, owner: str, wanted: JobListQuery) -> JobPage:
    """A page of the owner's jobs. One more than asked is read, to know whether another page follows."""
    with database.begin() as session:
        jobs = queries.newest(session, owner, wanted.filter(), before=wanted.cursor, limit=wanted.limit + 1)
    shown = jobs[: wanted.limit]
    more = len(jobs) > len(shown)
    return JobPage(
        items=[JobSummary.of(job) for job in shown], next_cursor=encode_cursor(shown[-1].id) if more else None
    )


def _detail(session: Session, job: Job) -> JobDetail:
    return JobDetail.with_attempts(job, list(queries.attempts(session, job.owner, job.id)))
