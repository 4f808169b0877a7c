"""Authentication: an API key in the Authorization header, or the session cookie of the status page."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from starlette.requests import HTTPConnection

from api import rate_limit
from api.problems.catalogue import NotAuthenticated, ScopeMissing
from api.resources import AppResources
from jobs.access import api_keys, audit, page_sessions
from jobs.access.api_keys import Principal, Scope
from jobs.access.audit import Action

COOKIE = "pruneserve_session"

_bearer = HTTPBearer(
    auto_error=False, scheme_name="apiKey", description="An API key, as `Authorization: Bearer ps_…`."
)


class _SessionCookie(APIKeyCookie):
    async def __call__(self, request: HTTPConnection) -> str | None:
        return session_token(request)


_cookie = _SessionCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="pageSession",
    description="A session of the status page. By https the name begins with `__Host-`.",
)


def authenticate(
    request: Request,
    scopes: SecurityScopes,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    cookie: Annotated[str | None, Depends(_cookie)],
) -> Principal:
    """Return the principal of a request. If both are sent, the key counts and not the cookie.

    Raises NotAuthenticated, RateLimited, and ScopeMissing for one without a scope that the route requires.
    """
    if bearer is None and not cookie:
        raise NotAuthenticated
    resources: AppResources = request.app.state.resources
    with resources.database.begin() as session:
        if bearer is not None:
            principal = api_keys.authenticate(session, bearer.credentials)
        else:
            principal = page_sessions.lookup(session, cookie or "")
    if principal is None:
        count_failure(request, resources)
        raise NotAuthenticated
    rate_limit.charge(request, resources.limiter, principal.owner)
    rate_limit.occupy(request, resources.open_requests, principal.owner)
    missing = [scope for scope in scopes.scopes if scope not in principal.scopes]
    if missing:
        raise ScopeMissing(f"This API key lacks the scope '{missing[0]}'.")
    principal = replace(principal, address=address_of(request))
    request.state.principal = principal  # for the page of a problem, which has no dependencies
    return principal


def requires(*scopes: Scope) -> Any:  # noqa: ANN401 - a marker for FastAPI, as its own functions return
    """Return the dependency that gives a route a principal with these scopes. A test finds routes without."""
    return Security(authenticate, scopes=[*scopes])


Caller = Annotated[Principal, requires()]
Reader = Annotated[Principal, requires(Scope.JOBS_READ)]
Writer = Annotated[Principal, requires(Scope.JOBS_READ, Scope.JOBS_WRITE)]
"""The response to a change shows the whole resource, so it needs both scopes."""


def sign_in(request: Request, resources: AppResources, key: str) -> str | None:
    """Start a page session with an API key. Returns its token, or None for a key that is not valid.

    It counts as a request of the key's owner. Raises RateLimited, also after too many failures.
    """
    with resources.database.begin() as session:
        principal = api_keys.authenticate(session, key)
        if principal is not None:
            rate_limit.charge(request, resources.limiter, principal.owner)
        token = page_sessions.start(session, principal.key_id) if principal else None
    return _count_if_failed(request, resources, token)


def follow_link(request: Request, resources: AppResources, link: str) -> str | None:
    """Start a page session with a one-time link's token. Returns and raises what `sign_in` does."""
    with resources.database.begin() as session:
        token = page_sessions.follow_link(session, link)
    return _count_if_failed(request, resources, token)


def _count_if_failed(request: Request, resources: AppResources, token: str | None) -> str | None:
    if token is None:
        count_failure(request, resources)
    return token


def count_failure(request: Request, resources: AppResources) -> None:
    """Count a failed sign-in, and record it unless many were. Raises RateLimited beyond the limit."""
    rate_limit.charge_failure(request, resources.failures)
    address = address_of(request)
    if (failure := resources.failure_sampler.count(address)) is None:
        return
    subject = f"{request.method} {request.url.path}"[:200] + failure.suffix
    if not failure.stored:
        audit.log_failure(address, subject)
        return
    with resources.database.begin() as session:
        audit.record_failure(session, address, subject)


def address_of(request: Request) -> str:
    """Return the address of the client, which a trusted proxy or the connection gives."""
    return request.client.host if request.client else ""


def is_https(request: HTTPConnection) -> bool:
    """Whether the page is served by https. Not of `request.url`, which is parsed anew for every request."""
    return bool(request.scope.get("scheme") == "https")


def cookie_name(request: HTTPConnection) -> str:
    """Return the name of the session's cookie. With the prefix no other host of the domain can set it.

    `RequestGuard` drops those whose names would only become this one when they are parsed.
    """
    return f"__Host-{COOKIE}" if is_https(request) else COOKIE


def session_token(request: HTTPConnection) -> str | None:
    """Return the token of the page session that the browser has sent."""
    return request.cookies.get(cookie_name(request))


def visible_owner(request: Request, principal: Principal, owner: str | None) -> str:
    """Return the owner whose jobs are meant. Raises ScopeMissing for another owner's without `admin`.

    Each change of another owner's jobs is recorded in the audit log, and reads of them once an hour.
    """
    if owner is None or owner == principal.owner:
        return principal.owner
    if Scope.ADMIN not in principal.scopes:
        raise ScopeMissing(f"Another owner's jobs need the scope '{Scope.ADMIN}'.")
    subject = f"{request.method} {request.url.path}"
    with request.app.state.resources.database.begin() as session:
        if request.method == "GET":
            audit.record_read(session, principal, subject, owner)
        else:
            audit.record(session, Action.OTHERS_CHANGED, principal, subject, owner)
    return owner
