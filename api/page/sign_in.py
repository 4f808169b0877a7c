"""Signs in to the page with an API key or a one-time link, and out again."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.page.base.render import NO_STORE, page
from api.resources import AppResources, Database, Resources
from api.security import auth
from jobs.access import page_sessions

router = APIRouter(include_in_schema=False)

HOME = "/jobs"
_PAGES = (HOME, "/sweeps", "/zoo", "/compare", "/settings")
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
        return sign_in_page(resources, target)
    session_token = auth.follow_link(request, resources, token)
    if session_token is None:
        return sign_in_page(resources, target, wrong=_WRONG_LINK, status=401)
    return signed_in(request, session_token, target)


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
        return sign_in_page(resources, target, wrong=_WRONG_KEY, status=401)
    return signed_in(request, session_token, target)


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


def sign_in_page(
    resources: AppResources,
    target: str,
    *,
    wrong: str | None = None,
    owners: Sequence[str] = (),
    status: int = 200,
) -> Response:
    """Return the page with all ways to sign in, and what is wrong with the last one.

    `owners`: those that a user of the identity provider is to choose one of.
    """
    settings = resources.settings
    return page(
        "sign_in.html",
        status=status,
        target=safe_target(target),
        wrong=wrong,
        owners=owners,
        provider=urlsplit(settings.oidc_issuer).netloc if settings.oidc_issuer else None,
        # There it comes back to, so there the cookie of the way must be set.
        begins_at=f"{settings.public_url or ''}/sign-in/oidc",
    )


def signed_in(request: Request, token: str, target: str) -> Response:
    """Return the way on, with the session's cookie."""
    response = RedirectResponse(safe_target(target), 303, headers=NO_STORE)
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


def safe_target(path: str) -> str:
    """Return where to go after signing in: a page of this service, never another site."""
    return path if path in _PAGES or path.startswith(tuple(f"{place}/" for place in _PAGES)) else HOME
