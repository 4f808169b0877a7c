"""Gradient norms: compute and keep them, and list them. They are files of their job, and go with it."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.actions.files import gradients
from api.actions.jobs import Idempotency
from api.actions.waiting import WaitingReasons
from api.http.idempotency import BodyAsSent, IdempotencyKey
from api.problems.problem import documented
from api.problems.problems import (
    BodyTooLarge,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedRequest,
    QueueFull,
    QuotaExceeded,
    UnsupportedMediaType,
)
from api.resources import Resources
from api.schemas.jobs.answers import JobDetail
from api.schemas.pages import PageQuery
from api.schemas.uploads import GradientPage, GradientRequest
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
    reasons = WaitingReasons.visible_to(principal, resources)
    job, created = gradients.submit(resources, principal.owner, request, reasons, idempotency)
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    if not created:
        response.status_code = status.HTTP_200_OK
    return job


@router.get("", summary="List gradient norms, newest first", responses=documented(InvalidRequest))
def list_gradients(
    query: Annotated[PageQuery, Query()], principal: Reader, resources: Resources
) -> GradientPage:
    """List your gradient jobs, and how much of your quota their norms use."""
    return gradients.list_page(resources, principal.owner, query)
