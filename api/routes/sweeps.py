"""Sweeps: several jobs from one request, or a search for the sparsest model within a bound."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from api.actions import sweeps
from api.actions.jobs import Idempotency
from api.actions.waiting import WaitingReasons
from api.http.idempotency import BodyAsSent, IdempotencyKey
from api.http.ids import SweepId
from api.problems.problem import documented
from api.problems.problems import (
    BodyTooLarge,
    IdempotencyKeyReused,
    InvalidRequest,
    MalformedRequest,
    NotFound,
    QueueFull,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from api.resources import Database, Resources
from api.schemas.pages import PageQuery
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
        **documented(
            MalformedRequest,
            BodyTooLarge,
            UnsupportedMediaType,
            InvalidRequest,
            IdempotencyKeyReused,
            QueueFull,
            ServiceUnavailable,
        ),
    },
)
def submit_sweep(
    request: SweepRequest,
    body: BodyAsSent,
    principal: Writer,
    resources: Resources,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> SweepDetail:
    """Queue all jobs of a sweep, or none if one is refused.

    A search within a bound on perplexity queues its first job, and each further job once the one before has
    ended. A search for the best model of a size queues all of its jobs.
    """
    idempotency = None if idempotency_key is None else Idempotency(idempotency_key, body)
    reasons = WaitingReasons.visible_to(principal, resources)
    sweep, created = sweeps.submit(resources, principal, request, reasons, idempotency)
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
    reasons = WaitingReasons.visible_to(principal, resources)
    return sweeps.detail(resources.database, principal.owner, sweep_id, reasons)


@router.post("/{sweep_id}/cancel", summary="Cancel a sweep", responses=documented(NotFound, InvalidRequest))
def cancel_sweep(sweep_id: SweepId, principal: Writer, resources: Resources) -> SweepDetail:
    """Cancel all jobs of a sweep that have not ended. A sweep that has ended stays as it is."""
    reasons = WaitingReasons.visible_to(principal, resources)
    return sweeps.cancel(resources.database, principal.owner, sweep_id, reasons)
