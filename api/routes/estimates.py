"""Estimates of what a job will take."""

from fastapi import APIRouter

from api.actions import estimates
from api.problems.problem import documented
from api.problems.problems import (
    BodyTooLarge,
    InvalidRequest,
    MalformedRequest,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from api.resources import Resources
from api.schemas.jobs.requests import JobRequest
from api.schemas.workers import Estimate
from api.security.auth import Reader

router = APIRouter(prefix="/v1/estimates", tags=["estimates"])


@router.post(
    "",
    summary="Estimate a job",
    responses=documented(
        MalformedRequest, BodyTooLarge, UnsupportedMediaType, InvalidRequest, ServiceUnavailable
    ),
)
async def estimate_job(request: JobRequest, principal: Reader, resources: Resources) -> Estimate:
    """Estimate the memory, operations, time and output size of a job.

    The body is that of `POST /v1/jobs` and is checked the same way. The estimate is made from the model's
    config, for each class of connected workers. Nothing is stored.
    """
    return await estimates.estimate(resources, principal.owner, request)
