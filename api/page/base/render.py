"""Templates of the page, and its answers: pages, fragments for the live streams, refusals."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from api.page.base.format import FILTERS
from api.problems.problems import NotAuthenticated, Problem

STATIC = Path(__file__).parents[2] / "static"
NO_STORE = {"Cache-Control": "no-store"}


def page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> Response:
    """A whole page."""
    return HTMLResponse(fragment(template, **values), status, headers={**NO_STORE, **(headers or {})})


def fragment(template: str, **values: object) -> str:
    """A piece of one, for a live stream."""
    return _templates.get_template(template).render(values)


def problem_response(request: Request, problem: Problem) -> Response:
    """A problem document for programs; for people, a page that says the same."""
    return refusal(request, problem) if is_page(request) else problem.response()


def is_page(request: Request) -> bool:
    """Whether people look at this address, and not programs."""
    return not request.url.path.startswith(("/v1/", "/healthz", "/readyz", "/static/"))


def refusal(request: Request, problem: Problem) -> Response:
    """A problem as a page. Whoever is not signed in is sent to do that, and back here afterwards."""
    if isinstance(problem, NotAuthenticated):
        back = request.url.path if request.method == "GET" else "/jobs"
        return RedirectResponse(f"/sign-in?{urlencode({'next': back})}", 303, headers=NO_STORE)
    return page("error.html", status=problem.status_code, headers=problem.headers, problem=problem)


def _asset(name: str) -> str:
    """The address of a static file. It changes with the content, so that browsers may keep it for good."""
    if name not in _assets:
        digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
        _assets[name] = f"/static/{name}?{digest[:12]}"
    return _assets[name]


_assets: dict[str, str] = {}
_templates = Environment(
    loader=PackageLoader("api"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters.update(FILTERS)
_templates.globals["asset"] = _asset
_templates.globals["place"] = "jobs"
