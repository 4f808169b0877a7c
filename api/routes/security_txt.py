"""`/.well-known/security.txt`: where to report a vulnerability of this installation (RFC 9116)."""

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from api.problems.problems import NotFound
from api.resources import Resources

router = APIRouter(include_in_schema=False)

_PATH = "/.well-known/security.txt"
_VALID = timedelta(days=90)


@router.get(_PATH)
async def show(resources: Resources) -> PlainTextResponse:
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
