"""Probes for the supervisor of the process. They need no key, and show a foreign host the status alone.

Nothing in them waits for a thread or a connection that other requests use: a busy process is not a dead one.
"""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.problems.base import documented
from api.problems.catalogue import ServiceUnavailable
from api.resources import Resources


class Health(BaseModel):
    """The answer of a probe that passes."""

    status: Literal["ok"] = Field(description="Always `ok`: a probe that fails answers with a problem.")


router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def get_liveness() -> Health:
    """Answer while the process is alive, whether or not it can reach the database."""
    return Health(status="ok")


@router.get(
    "/readyz",
    summary="Can it serve requests?",
    responses=documented(ServiceUnavailable),
)
async def get_readiness(request: Request, resources: Resources) -> Health:
    """Check that PostgreSQL answers and that its schema is the one that this version makes.

    Submitting works without the broker. Under a host name that the service does not know, a
    refusal gives no reason.
    """
    try:
        await resources.readiness.check()
    except ServiceUnavailable as error:
        raise error if request.state.known_host else ServiceUnavailable() from error
    return Health(status="ok")
