"""Jobs: estimate, submit, list, look up, cancel, retry, delete; the pruning methods."""

import inspect
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response, status
from pydantic import BaseModel, Field

from api.actions import estimates, jobs
from api.actions.jobs import WaitingReasons
from api.http.parameters import IdempotencyKey, JobId
from api.problems.base import documented
from api.problems.catalogue import (
    BODY_PROBLEMS,
    IdempotencyKeyReused,
    InvalidRequest,
    JobEnded,
    NotDeletable,
    NotFound,
    NotRetriable,
    QueueFull,
    ServiceUnavailable,
)
from api.resources import Database, Resources
from api.schemas.job_requests import JobListQuery, JobRequest
from api.schemas.jobs import JobDetail, JobPage
from api.schemas.workers import Estimate
from api.security.auth import Reader, Writer, visible_owner
from jobs.states import JobState
from pruning.recipe import METHODS, MethodOptions, Text

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

NamedOwner = Annotated[
    Text | None, Query(description="Whose job it is; another owner's needs the scope `admin`.")
]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Submit a job",
    response_model=JobDetail,
    responses={
        200: {"model": JobDetail, "description": "The job that an earlier request with this key created."},
        **documented(*BODY_PROBLEMS, IdempotencyKeyReused, QueueFull),
    },
)
def submit_job(
    request: JobRequest,
    principal: Writer,
    resources: Resources,
    idempotency: IdempotencyKey,
) -> Response:
    """Queue one run of a recipe. Jobs need not start in the order in which they were submitted.

    A request that is repeated with its `Idempotency-Key` is answered with the job as it is now.
    """
    job, created = jobs.submit(resources, principal, request, idempotency)
    answer = _json(job, status.HTTP_201_CREATED if created else status.HTTP_200_OK)
    answer.headers["Location"] = f"/v1/jobs/{job.id}"
    return answer


def _json(shown: BaseModel, status_code: int = status.HTTP_200_OK) -> Response:
    # Written here: FastAPI would take another thread to do so.
    return Response(shown.model_dump_json(), status_code, media_type="application/json")


@router.get(
    "",
    summary="List jobs, newest first",
    response_model=JobPage,
    responses=documented(InvalidRequest),
)
def list_jobs(query: Annotated[JobListQuery, Query()], principal: Reader, resources: Resources) -> Response:
    """List your jobs that match every filter."""
    return _json(jobs.list_page(resources, principal, principal.owner, query))


@router.get(
    "/{job_id}",
    summary="Look up a job",
    response_model=JobDetail,
    responses=documented(NotFound, InvalidRequest),
)
def get_job(job_id: JobId, principal: Reader, resources: Resources) -> Response:
    """Return everything about a job: its request, its attempts and, once it has succeeded, its report."""
    reasons = WaitingReasons.visible_to(principal, resources)
    with resources.database.begin() as session:
        job = jobs.detail(session, principal.owner, job_id, reasons)
    return _json(job)


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
    job = jobs.cancel(resources, principal, whose, job_id)
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
    return jobs.retry(resources, principal, principal.owner, job_id)


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


estimates_router = APIRouter(prefix="/v1/estimates", tags=["estimates"])


@estimates_router.post(
    "",
    summary="Estimate a job",
    responses=documented(*BODY_PROBLEMS, ServiceUnavailable),
)
async def estimate_job(request: JobRequest, principal: Reader, resources: Resources) -> Estimate:
    """Estimate the memory, operations, time and output size of a job.

    The body is that of `POST /v1/jobs`; its fields and paths are checked, and no file that they name. The
    estimate is made from the model's config, for each queue of connected workers. Nothing is stored.
    """
    return await estimates.estimate(resources, principal.owner, request)


class MethodItem(BaseModel):
    """A pruning method."""

    name: str = Field(description="The name to use as a job's `method`.")
    formula: str = Field(description="How the method scores a weight.")
    options: dict[str, Any] = Field(description="JSON Schema of the options in a job's `method` object.")


class MethodList(BaseModel):
    """The pruning methods that a job may name."""

    items: list[MethodItem] = Field(description="All methods.")


methods_router = APIRouter(prefix="/v1/methods", tags=["methods"])


@methods_router.get("", summary="List the pruning methods")
def list_methods(_principal: Reader) -> MethodList:
    """List every method with its formula and the JSON Schema of its options."""
    return _METHOD_LIST


def _method_item(name: str, options: type[MethodOptions]) -> MethodItem:
    formula = (inspect.getdoc(options) or "").partition("\n")[0]
    return MethodItem(name=name, formula=formula, options=options.model_json_schema())


_METHOD_LIST = MethodList(items=[_method_item(name, options) for name, options in METHODS.items()])
