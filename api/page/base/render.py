"""Renders templates: whole pages, fragments for the live streams, and problems."""

from collections.abc import Mapping
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.page.base import assets
from api.page.base.format import FILTERS
from api.problems.problem import Problem
from api.problems.problems import InvalidRequest, NotAuthenticated, NotFound

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
    """Answer with a problem: as a page for browsers, as a problem document for programs."""
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
_templates.globals["asset"] = assets.address
_templates.globals["place"] = "jobs"
