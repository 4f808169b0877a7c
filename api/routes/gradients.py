"""Gradient norms: compute and keep them, list, download, delete."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from fastapi.responses import StreamingResponse

from api.actions.files import gradients
from api.actions.jobs import Idempotency
from api.actions.receipts import first_answer
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
from api.resources import Resources
from api.schemas.jobs.answers import JobDetail
from api.schemas.pages import PageQuery
from api.schemas.uploads import GradientItem, GradientPage, GradientRequest
from api.security.auth import Reader, Writer

router = APIRouter(prefix="/v1/gradients", tags=["gradients"])


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
    job, created = gradients.submit(resources, principal.owner, request, reasons, idempotency)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if not created:
        response.status_code = status.HTTP_200_OK
        return first_answer(principal, job)
    return job


@router.get("", summary="List gradient norms, newest first", responses=documented(InvalidRequest))
def list_gradients(
    query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources
) -> GradientPage:
    """List your gradient jobs, and how much of your quota their norms use."""
    return gradients.list_page(resources, principal.owner, query)


@router.get(
    "/{gradient_id}", summary="Look up gradient norms", responses=documented(NotFound, InvalidRequest)
)
def get_gradients(gradient_id: GradientId, principal: Reader, resources: Resources) -> GradientItem:
    """Return the facts about a gradient job and its file."""
    return GradientItem.of(gradients.find(resources, principal.owner, gradient_id))


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
    file = gradients.file(resources, principal.owner, gradient_id)
    return download(file, resources.store, if_none_match, wanted_range, if_range)


@router.delete(
    "/{gradient_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete gradient norms",
    responses=documented(NotFound, UploadInUse, InvalidRequest),
)
def delete_gradients(gradient_id: GradientId, principal: Writer, resources: Resources) -> None:
    """Delete the norms. It is refused while a job that has not ended needs them."""
    gradients.delete(resources, principal.owner, gradient_id)
