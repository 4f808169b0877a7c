"""Probes for the supervisor of the process. They need no key and reveal nothing else.

Nothing in them waits for a thread or a connection that other requests use: a busy process is not a dead one.
"""

from fastapi import APIRouter

from api.problems.problem import documented
from api.problems.problems import ServiceUnavailable
from api.resources import Resources
from api.schemas.health import Health

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Is the process alive?")
async def get_liveness() -> Health:
    """Answer while the process is alive, whether or not it can reach the database."""
    return Health(status="ok")


@router.get("/readyz", summary="Can it serve requests?", responses=documented(ServiceUnavailable))
async def get_readiness(resources: Resources) -> Health:
    """Check that PostgreSQL answers and has its tables. Submitting works without the broker."""
    await resources.readiness.check()
    return Health(status="ok")
