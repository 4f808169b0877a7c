"""Authentication: an API key in the Authorization header, or the session cookie of the status page."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.orm import Session, sessionmaker

from api import rate_limit
from api.problems.problems import NotAuthenticated, ScopeMissing
from api.resources import Resources
from jobs.access import api_keys, page_sessions
from jobs.access.api_keys import Principal, Scope

COOKIE = "pruneserve_session"

_bearer = HTTPBearer(
    auto_error=False, scheme_name="apiKey", description="An API key, as `Authorization: Bearer ps_…`."
)
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="pageSession", description="A session of the status page."
)


def authenticate(
    request: Request,
    scopes: SecurityScopes,
    resources: Resources,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Principal:
    """Return the principal of a request. If both are sent, the key counts and not the cookie.

    Raises NotAuthenticated, RateLimited, and ScopeMissing for one without a scope that the route requires.
    """
    with resources.database.begin() as session:
        if bearer is not None:
            principal = api_keys.authenticate(session, bearer.credentials)
        else:
            principal = page_sessions.lookup(session, cookie) if cookie else None
    if principal is None:
        raise NotAuthenticated
    rate_limit.charge(request, resources.limiter, principal.key_id)
    missing = [scope for scope in scopes.scopes if scope not in principal.scopes]
    if missing:
        raise ScopeMissing(f"This API key lacks the scope '{missing[0]}'.")
    return principal


def requires(*scopes: Scope) -> Any:  # noqa: ANN401 - a marker for FastAPI, as its own functions return
    """Return the dependency that gives a route a principal with these scopes. A test finds routes without."""
    return Security(authenticate, scopes=[*scopes])


Reader = Annotated[Principal, requires(Scope.JOBS_READ)]
Writer = Annotated[Principal, requires(Scope.JOBS_WRITE)]


def sign_in(database: sessionmaker[Session], key: str) -> str | None:
    """Start a page session with an API key. Returns its token, or None for a key that is not valid."""
    with database.begin() as session:
        principal = api_keys.authenticate(session, key)
        return page_sessions.start(session, principal.key_id) if principal else None


def session_token(request: Request) -> str | None:
    """Return the token of the page session that the browser has sent."""
    return request.cookies.get(COOKIE)
