"""Probes for the supervisor of the process. They need no key, and tell a foreign host the status alone.

Nothing in them waits for a thread or a connection that other requests use: a busy process is not a dead one.
"""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from api.problems.problem import documented
from api.problems.problems import NotFound, ServiceUnavailable
from api.resources import Resources
from api.schemas.health import Health

router = APIRouter(tags=["health"])

_PATH = "/.well-known/security.txt"
_VALID = timedelta(days=90)


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


@router.get(_PATH, include_in_schema=False)
async def show_security_contact(resources: Resources) -> PlainTextResponse:
    """Name the contact that the operator has set. Raises NotFound without one."""
    settings = resources.settings
    if settings.security_contact is None:
        raise NotFound("The operator of this service has named no contact.")
    lines = [
        f"Contact: {settings.security_contact}",
        f"Expires: {datetime.now(UTC) + _VALID:%Y-%m-%dT%H:%M:%SZ}",
    ]
    if settings.public_url:
        lines.append(f"Canonical: {settings.public_url}{_PATH}")
    return PlainTextResponse("\n".join(lines) + "\n")
