"""Sweeps: several jobs from one request, or a search for the sparsest model within a bound."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.actions import sweeps
from api.http.parameters import IdempotencyKey, SweepId
from api.problems.base import documented
from api.problems.catalogue import (
    BODY_PROBLEMS,
    IdempotencyKeyReused,
    InvalidRequest,
    NotFound,
    QueueFull,
    ServiceUnavailable,
)
from api.resources import Database, Resources
from api.schemas.base import PageQuery
from api.schemas.sweeps import SweepDetail, SweepPage, SweepRequest
from api.security.auth import Reader, Writer

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"])


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Submit a sweep or a search",
    responses={
        200: {
            "model": SweepDetail,
            "description": "The sweep that an earlier request with this key made.",
        },
        **documented(*BODY_PROBLEMS, IdempotencyKeyReused, QueueFull, ServiceUnavailable),
    },
)
def submit_sweep(
    request: SweepRequest,
    principal: Writer,
    resources: Resources,
    response: Response,
    idempotency: IdempotencyKey,
) -> SweepDetail:
    """Queue all jobs of a sweep, or none if one is refused.

    A search within a bound on perplexity queues its first job, and each further job once the one before has
    ended. A search for the best file of a size queues all of its jobs.
    """
    sweep, created = sweeps.submit(resources, principal, request, idempotency)
    response.headers["Location"] = f"/v1/sweeps/{sweep.id}"
    if not created:
        response.status_code = status.HTTP_200_OK
    return sweep


@router.get("", summary="List sweeps, newest first", responses=documented(InvalidRequest))
def list_sweeps(query: Annotated[PageQuery, Query()], principal: Reader, database: Database) -> SweepPage:
    """List your sweeps."""
    return sweeps.list_page(database, principal.owner, query)


@router.get("/{sweep_id}", summary="Look up a sweep", responses=documented(NotFound, InvalidRequest))
def get_sweep(sweep_id: SweepId, principal: Reader, resources: Resources) -> SweepDetail:
    """Return a sweep with its jobs. The jobs of a search are its trace."""
    return sweeps.detail(resources, principal, sweep_id)


@router.post("/{sweep_id}/cancel", summary="Cancel a sweep", responses=documented(NotFound, InvalidRequest))
def cancel_sweep(sweep_id: SweepId, principal: Writer, resources: Resources) -> SweepDetail:
    """Cancel all jobs of a sweep that have not ended. A sweep that has ended stays as it is."""
    return sweeps.cancel(resources, principal, principal.owner, sweep_id)
