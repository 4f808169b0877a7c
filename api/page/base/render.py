"""Renders templates: whole pages, fragments for the live streams, and problems; serves their stylesheet.

The address of a static file changes with its content, so browsers may cache it forever.
"""

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.page.base.format import FILTERS
from api.problems.base import Problem
from api.problems.catalogue import InvalidRequest, NotAuthenticated, NotFound

STATIC = Path(__file__).parents[2] / "static"
STYLESHEET = "page.css"

# In the order of the cascade: a later part overrides an earlier one.
_STYLES = (
    *("base", "frame", "controls", "states"),
    *("list", "job", "pictures", "zoo", "record", "form"),
    "narrow",
)


def asset_url(name: str) -> str:
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


NO_STORE = {"Cache-Control": "no-store"}


def page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> Response:
    """Return a whole page as a response."""
    return HTMLResponse(fragment(template, **values), status, headers={**NO_STORE, **(headers or {})})


def fragment(template: str, **values: object) -> str:
    """Return a part of a page, for a live stream."""
    return _templates.get_template(template).render(values)


def public_address(request: Request) -> str:
    """Return the address of the service for links: what the operator has set, or where the browser is."""
    public: str | None = request.app.state.resources.settings.public_url
    return public or str(request.base_url).rstrip("/")


def problem_response(request: Request, problem: Problem) -> Response:
    """Return the response for a problem: a page for browsers, a problem document for programs."""
    return _problem_page(request, problem) if is_page(request) else problem.response()


def is_page(request: Request) -> bool:
    """Whether the request is for a page, and not for the API or a static file."""
    return not f"{request.url.path}/".startswith(("/v1/", "/healthz", "/readyz", "/static/"))


def _problem_page(request: Request, problem: Problem) -> Response:
    """Show a problem as a page; without authentication, redirect to sign in and back."""
    if isinstance(problem, NotAuthenticated):
        back = request.url.path if request.method == "GET" else "/jobs"
        return RedirectResponse(f"/sign-in?{urlencode({'next': back})}", 303, headers=NO_STORE)
    if isinstance(problem, InvalidRequest) and _is_in_path(request, problem):
        problem = NotFound("There is nothing at this address, or it belongs to another owner.")
    return page(
        "base/error.html",
        status=problem.status_code,
        headers=problem.headers,
        problem=problem,
        place=None,
        principal=getattr(request.state, "principal", None),
    )


def _is_in_path(request: Request, problem: InvalidRequest) -> bool:
    """Whether a path parameter is invalid, such as a malformed id: a page names no fields of its address."""
    return any(error.field in request.path_params for error in problem.errors or ())


_templates = Environment(
    loader=PackageLoader("api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(FILTERS)
_templates.globals["asset"] = asset_url
_templates.globals["place"] = "jobs"
