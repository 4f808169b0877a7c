"""Gradient norms: compute and keep them, list, download, delete."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import StreamingResponse

from api.actions import jobs
from api.actions.jobs import Idempotency
from api.actions.parse_job import parse_job
from api.actions.waiting import WaitingReasons
from api.http.download import DOWNLOAD_RESPONSES, IfNoneMatch, IfRange, WantedRange, download
from api.http.idempotency import BodyAsSent, IdempotencyKey
from api.http.ids import GradientId
from api.problems.problem import documented
from api.problems.problems import (
    ArtifactsExpired,
    BodyTooLarge,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedRequest,
    NotFound,
    QueueFull,
    QuotaExceeded,
    RangeNotSatisfiable,
    UnsupportedMediaType,
    UploadInUse,
)
from api.resources import AppResources, Resources
from api.schemas.jobs import JobDetail
from api.schemas.pages import PageQuery
from api.schemas.uploads import GradientItem, GradientPage, GradientRequest
from api.security.auth import Reader, Writer
from jobs import retention
from jobs.storage import gradient_files
from jobs.storage.gradient_files import Kept
from jobs.storage.owned_files import InUse

router = APIRouter(prefix="/v1/gradients", tags=["gradients"])

_NONE_YET = "The job has not computed them yet: they are there once it has succeeded."


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Compute gradient norms and keep them",
    responses={
        200: {"model": JobDetail, "description": "The job that an earlier request with this key created."},
        **documented(
            MalformedRequest,
            BodyTooLarge,
            UnsupportedMediaType,
            InvalidRequest,
            IdempotencyKeyReused,
            QueueFull,
            QuotaExceeded,
        ),
    },
)
def compute_gradients(
    request: GradientRequest,
    body: BodyAsSent,
    principal: Writer,
    resources: Resources,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> JobDetail:
    """Queue a job that computes norms for later jobs, which name them as `gradient:<id>`.

    It is a job like any other: `/v1/jobs/{id}` shows it, with its events, and cancels or retries it.
    """
    idempotency = None if idempotency_key is None else Idempotency(idempotency_key, body)
    reasons = WaitingReasons.told_to(principal, resources)
    job, created = _submit(resources, principal.owner, request, reasons, idempotency)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if not created:
        response.status_code = status.HTTP_200_OK
    return job


@router.get("", summary="List gradient norms, newest first", responses=documented(InvalidRequest))
def list_gradients(
    query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources
) -> GradientPage:
    """List your gradient jobs, and how much of your quota their norms use."""
    return _list_page(resources, principal.owner, query)


@router.get(
    "/{gradient_id}", summary="Look up gradient norms", responses=documented(NotFound, InvalidRequest)
)
def get_gradients(gradient_id: GradientId, principal: Reader, resources: Resources) -> GradientItem:
    """Return the facts about a gradient job and its file."""
    return GradientItem.of(_find(resources, principal.owner, gradient_id))


@router.get(
    "/{gradient_id}/file",
    summary="Download gradient norms",
    response_class=StreamingResponse,
    responses={
        **DOWNLOAD_RESPONSES,
        **documented(NotFound, ArtifactsExpired, RangeNotSatisfiable, InvalidRequest),
    },
)
def download_gradients(
    gradient_id: GradientId,
    principal: Reader,
    resources: Resources,
    if_none_match: IfNoneMatch = None,
    if_range: IfRange = None,
    wanted_range: WantedRange = None,
) -> Response:
    """Download the file, which later jobs and `python -m pruning --gradients` read; or a range of it."""
    kept = _find(resources, principal.owner, gradient_id)
    if kept.file is None:
        if kept.job.artifacts_expired_at is not None:
            raise ArtifactsExpired("The norms were deleted. Compute them again.")
        raise NotFound(_NONE_YET)
    return download(kept.file, resources.store, if_none_match, wanted_range, if_range)


@router.delete(
    "/{gradient_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete gradient norms",
    responses=documented(NotFound, UploadInUse, InvalidRequest),
)
def delete_gradients(gradient_id: GradientId, principal: Writer, resources: Resources) -> None:
    """Delete the norms. It is refused while a job that has not ended needs them."""
    _delete(resources, principal.owner, gradient_id)


NO_SUCH_NORMS = "There are no such gradient norms, or they belong to another owner."


def _submit(
    resources: AppResources,
    owner: str,
    request: GradientRequest,
    reasons: WaitingReasons,
    idempotency: Idempotency | None = None,
) -> tuple[JobDetail, bool]:
    """Queue a gradient job. Returns it, and whether this call created it.

    Raises what `jobs.submit` raises, and QuotaExceeded for an owner without any room for norms.
    """
    quota = resources.settings.gradient_quota_bytes
    with resources.database.begin() as session:
        if gradient_files.used_bytes(session, owner) >= quota:
            raise QuotaExceeded(f"Your gradient norms may take at most {quota} bytes together. Delete some.")
    if idempotency is not None:
        idempotency = Idempotency(idempotency.key, b"gradients %s" % idempotency.body)
    return jobs.submit(resources, owner, parse_job(request.fields()), reasons, idempotency)


def _list_page(resources: AppResources, owner: str, query: PageQuery) -> GradientPage:
    """Return a page of the owner's gradient jobs."""
    with resources.database.begin() as session:
        rows = gradient_files.newest(session, owner, before=query.cursor, limit=query.rows)
        used = gradient_files.used_bytes(session, owner)
        quota = resources.settings.gradient_quota_bytes
        return GradientPage.of(rows, query, GradientItem.of, used_bytes=used, quota_bytes=quota)


def _find(resources: AppResources, owner: str, job_id: UUID) -> Kept:
    """Return one of the owner's gradient jobs with its file. Raises NotFound."""
    with resources.database.begin() as session:
        kept = gradient_files.get(session, owner, job_id)
    if kept is None:
        raise NotFound(NO_SUCH_NORMS)
    return kept


def _delete(resources: AppResources, owner: str, job_id: UUID) -> None:
    """Delete norms; their job stays in the list. Raises NotFound, and UploadInUse while a job needs them."""
    with resources.database.begin() as session:
        try:
            deleted = retention.delete_gradients(session, owner, job_id)
        except InUse as error:
            raise UploadInUse(error.job_id) from error
    if not deleted:
        raise NotFound(NO_SUCH_NORMS)
