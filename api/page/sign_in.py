"""Signing in to the page with an API key or a one-time link, and out again."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from api.page.base.render import NO_STORE, page
from api.resources import Database
from api.security import auth
from jobs.access import page_sessions

router = APIRouter(include_in_schema=False)

HOME = "/jobs"
_PLACES = (HOME, "/zoo", "/compare", "/sweeps")
_WRONG_KEY = "This key is not valid. Check that it was copied whole."
_WRONG_LINK = "This link was used before, or its time is over. Sign in with an API key."

Next = Annotated[str, Query(alias="next", max_length=2048)]


@router.get("/sign-in")
def form(
    request: Request,
    database: Database,
    token: Annotated[str | None, Query(max_length=200)] = None,
    back: Next = HOME,
) -> Response:
    """The form; or, with the token of a one-time link, straight in."""
    if token is None:
        return page("sign_in.html", back=_within_the_page(back), wrong=None)
    with database.begin() as session:
        session_token = page_sessions.follow_link(session, token)
    if session_token is None:
        return page("sign_in.html", status=401, back=_within_the_page(back), wrong=_WRONG_LINK)
    return _signed_in(request, session_token, back)


@router.post("/sign-in")
def sign_in(
    request: Request,
    database: Database,
    key: Annotated[str, Form(max_length=200)] = "",
    back: Annotated[str, Form(alias="next", max_length=2048)] = HOME,
) -> Response:
    """Trade a key for a session."""
    session_token = auth.sign_in(database, key.strip())
    if session_token is None:
        return page("sign_in.html", status=401, back=_within_the_page(back), wrong=_WRONG_KEY)
    return _signed_in(request, session_token, back)


@router.post("/sign-out")
def sign_out(request: Request, database: Database) -> Response:
    """End the session here and in the database."""
    token = auth.session_token(request)
    if token:
        with database.begin() as session:
            page_sessions.end(session, token)
    response = RedirectResponse("/sign-in", 303, headers=NO_STORE)
    response.delete_cookie(auth.COOKIE)
    return response


def _signed_in(request: Request, token: str, back: str) -> Response:
    response = RedirectResponse(_within_the_page(back), 303, headers=NO_STORE)
    response.set_cookie(
        auth.COOKIE,
        token,
        max_age=int(page_sessions.SESSION_LIFETIME.total_seconds()),
        httponly=True,
        # Lax and not strict: a link to a job in a chat should open it. Writes check the origin besides.
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


def _within_the_page(path: str) -> str:
    """Where to go after signing in: never to another site, whatever the link said."""
    return path if path in _PLACES or path.startswith(tuple(f"{place}/" for place in _PLACES)) else HOME
