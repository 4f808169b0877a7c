"""Who is asking: an API key in the Authorization header, or the status page's session cookie."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy.orm import Session, sessionmaker

from api import rate_limit
from api.problems.problems import NotAuthenticated, ScopeMissing
from api.resources import Parts
from jobs.access import api_keys, page_sessions
from jobs.access.api_keys import Principal, Scope

COOKIE = "pruneserve_session"

_bearer = HTTPBearer(
    auto_error=False, scheme_name="apiKey", description="An API key, as `Authorization: Bearer ps_…`."
)
_cookie = APIKeyCookie(
    name=COOKIE, auto_error=False, scheme_name="pageSession", description="The session of the status page."
)


def authenticated(
    request: Request,
    scopes: SecurityScopes,
    parts: Parts,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Principal:
    """The principal of the request, with every scope that the route asks for. A key wins over a session."""
    with parts.database.begin() as session:
        if bearer is not None:
            principal = api_keys.authenticate(session, bearer.credentials)
        else:
            principal = page_sessions.lookup(session, cookie) if cookie else None
    if principal is None:
        raise NotAuthenticated
    rate_limit.charge(request, parts.limiter, principal.key_id)
    missing = [scope for scope in scopes.scopes if scope not in principal.scopes]
    if missing:
        raise ScopeMissing(f"This API key lacks the scope '{missing[0]}'.")
    return principal


def requires(*scopes: Scope) -> Any:  # noqa: ANN401 - a marker for FastAPI, as its own functions return
    """The dependency that every route states: a principal with these scopes. A test finds those without."""
    return Security(authenticated, scopes=[*scopes])


Reader = Annotated[Principal, requires(Scope.JOBS_READ)]
Writer = Annotated[Principal, requires(Scope.JOBS_WRITE)]


def sign_in(database: sessionmaker[Session], key: str) -> str | None:
    """A session token for a valid API key."""
    with database.begin() as session:
        principal = api_keys.authenticate(session, key)
        return page_sessions.start(session, principal.key_id) if principal else None


def session_token(request: Request) -> str | None:
    """The page session's token that the browser has sent."""
    return request.cookies.get(COOKIE)
