"""Jobs: submit, list, look up, change, cancel, retry, submit again with changes, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from api.actions import jobs
from api.actions.jobs import NO_SUCH_JOB, Idempotency
from api.actions.waiting import WaitingReasons
from api.http.etag import NOT_MODIFIED, Conditional
from api.http.idempotency import BodyAsSent, IdempotencyKey
from api.http.ids import JobId
from api.problems.problem import documented
from api.problems.problems import (
    BodyTooLarge,
    IdempotencyKeyReused,
    InvalidRequest,
    JobEnded,
    MalformedRequest,
    NotDeletable,
    NotFound,
    NotQueued,
    NotRetriable,
    QueueFull,
    UnsupportedMediaType,
)
from api.resources import Database, Resources
from api.schemas.jobs.answers import JobDetail, JobPage
from api.schemas.jobs.query import JobListQuery
from api.schemas.jobs.requests import JobChange, JobChanges, JobRequest
from api.security.auth import Reader, Writer
from api.security.owners import visible_owner
from jobs.queries import queries
from jobs.states import JobState
from pruning.recipe import Text

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

NamedOwner = Annotated[
    Text | None, Query(description="Whose job it is; another owner's needs the scope `admin`.")
]


_SUBMIT_PROBLEMS = (
    MalformedRequest,
    BodyTooLarge,
    UnsupportedMediaType,
    InvalidRequest,
    IdempotencyKeyReused,
    QueueFull,
)


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Submit a job",
    response_model=JobDetail,
    responses={
        200: {"model": JobDetail, "description": "The job that an earlier request with this key created."},
        **documented(*_SUBMIT_PROBLEMS),
    },
)
def submit_job(
    request: JobRequest,
    body: BodyAsSent,
    principal: Writer,
    resources: Resources,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Queue one run of a recipe. Jobs need not start in the order in which they were submitted.

    A request that is repeated with its `Idempotency-Key` is answered with the job as it is now.
    """
    idempotency = None if idempotency_key is None else Idempotency(idempotency_key, body)
    reasons = WaitingReasons.visible_to(principal, resources)
    job, created = jobs.submit(resources, principal.owner, request, reasons, idempotency)
    return _submitted(job, created)


@router.post(
    "/{job_id}/rerun",
    status_code=status.HTTP_201_CREATED,
    summary="Submit a job again, with changes",
    response_model=JobDetail,
    responses={
        200: {"model": JobDetail, "description": "The job that an earlier request with this key created."},
        **documented(*_SUBMIT_PROBLEMS, NotFound),
    },
)
def rerun_job(
    job_id: JobId,
    changes: JobChanges,
    body: BodyAsSent,
    principal: Writer,
    resources: Resources,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Queue a new job with the request of this one, whatever its state, and the changes of the body.

    The answer shows that request, so the key needs the scope `jobs:read` too.
    """
    idempotency = None if idempotency_key is None else Idempotency(idempotency_key, body)
    reasons = WaitingReasons.visible_to(principal, resources)
    job, created = jobs.rerun(resources, principal.owner, job_id, changes, reasons, idempotency)
    return _submitted(job, created)


def _submitted(job: JobDetail, created: bool) -> Response:
    # Written here: FastAPI would take another thread to do so.
    return Response(
        job.model_dump_json(),
        status.HTTP_201_CREATED if created else status.HTTP_200_OK,
        headers={"Location": f"/v1/jobs/{job.id}"},
        media_type="application/json",
    )


@router.get(
    "",
    summary="List jobs, newest first",
    response_model=JobPage,
    responses={**NOT_MODIFIED, **documented(InvalidRequest)},
)
def list_jobs(
    query: Annotated[JobListQuery, Query()], principal: Reader, resources: Resources, conditional: Conditional
) -> Response:
    """List your jobs that match every filter."""
    reasons = WaitingReasons.visible_to(principal, resources)
    page = jobs.list_page(resources.database, principal.owner, query, reasons)
    return conditional.answer(page)


@router.get(
    "/{job_id}",
    summary="Look up a job",
    response_model=JobDetail,
    responses={**NOT_MODIFIED, **documented(NotFound, InvalidRequest)},
)
def get_job(job_id: JobId, principal: Reader, resources: Resources, conditional: Conditional) -> Response:
    """Return everything about a job: its request, its attempts and, once it has succeeded, its report."""
    reasons = WaitingReasons.visible_to(principal, resources)
    with resources.database.begin() as session:
        standing = queries.standing(session, job_id, principal.owner)
        if standing is None:
            raise NotFound(NO_SUCH_JOB)
        # A job that waits for nothing changes only with an event, so a report that the client already has is
        # not read.
        state = () if standing.waits else (job_id, standing.last_event)
        if state and (unchanged := conditional.not_modified(*state)) is not None:
            return unchanged
        job = jobs.detail(session, principal.owner, job_id, reasons)
    return conditional.answer(job, *state)


@router.patch(
    "/{job_id}",
    summary="Change the priority of a queued job",
    responses=documented(NotFound, NotQueued, MalformedRequest, UnsupportedMediaType, InvalidRequest),
)
def change_job(
    request: Request,
    job_id: JobId,
    change: JobChange,
    principal: Writer,
    resources: Resources,
    owner: NamedOwner = None,
) -> JobDetail:
    """Let a queued job run before or after your others. One that a worker is about to take stays as it is."""
    reasons = WaitingReasons.visible_to(principal, resources)
    whose = visible_owner(request, principal, owner)
    return jobs.change(resources.database, whose, job_id, change, reasons)


@router.post(
    "/{job_id}/cancel",
    summary="Cancel a job",
    responses={
        202: {
            "model": JobDetail,
            "description": "A worker runs the job and will stop at its next step.",
        },
        **documented(NotFound, JobEnded, InvalidRequest),
    },
)
def cancel_job(
    request: Request,
    job_id: JobId,
    principal: Writer,
    resources: Resources,
    response: Response,
    owner: NamedOwner = None,
) -> JobDetail:
    """Cancel a queued job at once (200), or ask the worker of a running one to stop (202)."""
    whose = visible_owner(request, principal, owner)
    reasons = WaitingReasons.visible_to(principal, resources)
    job = jobs.cancel(resources.database, whose, job_id, reasons)
    if job.state == JobState.CANCELLING:
        response.status_code = status.HTTP_202_ACCEPTED
    return job


@router.post(
    "/{job_id}/retry",
    summary="Retry a failed or cancelled job",
    responses=documented(NotFound, NotRetriable, QueueFull, InvalidRequest),
)
def retry_job(job_id: JobId, principal: Writer, resources: Resources) -> JobDetail:
    """Queue the same job again. It continues after its finished blocks if they are still stored."""
    reasons = WaitingReasons.visible_to(principal, resources)
    return jobs.retry(resources, principal.owner, job_id, reasons)


@router.delete(
    "/{job_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a job with its files",
    responses=documented(NotFound, NotDeletable, InvalidRequest),
)
def delete_job(job_id: JobId, principal: Writer, database: Database) -> None:
    """Delete a job that has ended. It is gone at once, and its files within a minute.

    With it go the gradient norms and the measurements of the dense model that it has stored for later jobs,
    which compute them again.
    """
    jobs.delete(database, principal.owner, job_id)
