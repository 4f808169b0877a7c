"""Signs in to the page with an API key or a one-time link, and out again."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.page.base.render import NO_STORE, page
from api.resources import Database, Resources
from api.security import auth
from jobs.access import page_sessions

router = APIRouter(include_in_schema=False)

HOME = "/jobs"
_PAGES = (HOME, "/zoo", "/compare", "/sweeps")
_WRONG_KEY = "This key is not valid. Check that you have copied all of it."
_WRONG_LINK = "This link has expired or was used before. Sign in with an API key."

Next = Annotated[str, Query(alias="next", max_length=2048)]


@router.get("/sign-in")
def form(
    request: Request,
    resources: Resources,
    token: Annotated[str | None, Query(max_length=200)] = None,
    target: Next = HOME,
) -> Response:
    """Show the form, or sign in with the token of a one-time link."""
    if token is None:
        return page("sign_in.html", target=_safe_target(target), wrong=None)
    session_token = auth.follow_link(request, resources, token)
    if session_token is None:
        return page("sign_in.html", status=401, target=_safe_target(target), wrong=_WRONG_LINK)
    return _signed_in(request, session_token, target)


@router.post("/sign-in")
def sign_in(
    request: Request,
    resources: Resources,
    key: Annotated[str, Form(max_length=200)] = "",
    target: Annotated[str, Form(alias="next", max_length=2048)] = HOME,
) -> Response:
    """Start a session with an API key."""
    session_token = auth.sign_in(request, resources, key.strip())
    if session_token is None:
        return page("sign_in.html", status=401, target=_safe_target(target), wrong=_WRONG_KEY)
    return _signed_in(request, session_token, target)


@router.post("/sign-out")
def sign_out(request: Request, database: Database) -> Response:
    """End the session in the browser and in the database."""
    token = auth.session_token(request)
    if token:
        with database.begin() as session:
            page_sessions.end(session, token)
    response = RedirectResponse("/sign-in", 303, headers=NO_STORE)
    response.delete_cookie(auth.COOKIE)
    return response


def _signed_in(request: Request, token: str, target: str) -> Response:
    response = RedirectResponse(_safe_target(target), 303, headers=NO_STORE)
    response.set_cookie(
        auth.COOKIE,
        token,
        max_age=int(page_sessions.SESSION_LIFETIME.total_seconds()),
        httponly=True,
        # Lax and not strict, so that a link to a job in a chat opens it. Writes check the origin as well.
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


def _safe_target(path: str) -> str:
    """Return where to go after signing in: a page of this service, never another site."""
    return path if path in _PAGES or path.startswith(tuple(f"{place}/" for place in _PAGES)) else HOME
