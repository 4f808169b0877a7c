"""Static files, each at an address that changes with its content, so that browsers may keep it forever."""

import hashlib
from functools import cache
from pathlib import Path

from fastapi import Request, Response

STATIC = Path(__file__).parents[2] / "static"
STYLESHEET = "page.css"

# In the order of the cascade: a later part overrides an earlier one.
_STYLES = (
    *("base", "frame", "controls", "states"),
    *("list", "job", "pictures", "zoo", "record", "form"),
    "narrow",
)


def address(name: str) -> str:
    """Return the address of a static file."""
    return f"/static/{name}?{hashlib.sha256(_content(name)).hexdigest()[:12]}"


async def serve_stylesheet(_request: Request) -> Response:
    """Serve the parts of the stylesheet as one file."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(_content(STYLESHEET), media_type="text/css", headers=headers)


@cache
def _content(name: str) -> bytes:
    if name != STYLESHEET:
        return (STATIC / name).read_bytes()
    return b"\n".join((STATIC / "styles" / f"{part}.css").read_bytes() for part in _STYLES)
