"""Signs in to the page with an API key, a one-time link or the identity provider, and out again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.identity_provider import IdentityProvider, SignInFailed, User, scopes_of_groups
from api.page.base.render import NO_STORE, page
from api.problems.catalogue import NotFound
from api.rate_limit import require_no_lockout
from api.resources import AppResources, Database, Resources
from api.security import auth
from jobs.access import api_keys, audit, page_sessions
from jobs.access.api_keys import Scope
from jobs.access.audit import Action

router = APIRouter(include_in_schema=False)

HOME = "/jobs"
_PAGES = (HOME, "/sweeps", "/zoo", "/compare", "/settings")
_WRONG_KEY = "This key is not valid. Check that you have copied all of it."
_WRONG_LINK = "This link has expired or was used before; pruneserve up prints a new one at each start."

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
    response.delete_cookie(auth.cookie_name(request), secure=auth.is_https(request))
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
        # The provider redirects back to this origin, so the cookie of the sign-in must be set there.
        begins_at=f"{settings.public_url or ''}/sign-in/oidc",
    )


def signed_in(request: Request, token: str, target: str) -> Response:
    """Redirect to the page that was asked for, with the session's cookie."""
    response = RedirectResponse(safe_target(target), 303, headers=NO_STORE)
    response.set_cookie(
        auth.cookie_name(request),
        token,
        max_age=int(page_sessions.SESSION_LIFETIME.total_seconds()),
        httponly=True,
        # Lax and not strict, so that a link to a job in a chat opens it. Writes check the origin as well.
        samesite="lax",
        secure=auth.is_https(request),
    )
    return response


def safe_target(path: str) -> str:
    """Return where to go after signing in: a page of this service, never another site."""
    return path if path in _PAGES or path.startswith(tuple(f"{place}/" for place in _PAGES)) else HOME


@router.get("/sign-in/oidc")
async def begin_oidc(
    request: Request,
    resources: Resources,
    target: Next = HOME,
    owner: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Send the browser to the provider. `owner`: the one to work for, where groups give several."""
    provider = _provider(resources)
    request.session["wanted"] = [safe_target(target), owner]
    try:
        return await provider.redirect(request)
    except SignInFailed as refused:
        return _refusal(resources, target, refused)


@router.get("/sign-in/oidc/callback")
async def finish_oidc(request: Request, resources: Resources) -> Response:
    """Start a page session for the user whom the provider has sent back, if this browser was sent there.

    Raises RateLimited after too many failures, before the provider is asked in this service's name.
    """
    provider = _provider(resources)
    require_no_lockout(request, resources.failures)
    target, owner = request.session.get("wanted", (HOME, ""))
    try:
        user = await provider.user(request)
        grants = _grants(resources, user)
    except SignInFailed as refused:
        if refused.status < 500:
            await run_in_threadpool(auth.count_failure, request, resources)
        return _refusal(resources, target, refused)
    finally:
        request.session.clear()  # it is good for one callback
    if len(grants) == 1:
        (owner,) = grants
    if owner not in grants:
        return sign_in_page(resources, target, owners=[*grants])
    token = await run_in_threadpool(_start_session, request, resources, user, owner, grants[owner])
    return signed_in(request, token, target)


def _start_session(
    request: Request, resources: AppResources, user: User, owner: str, scopes: frozenset[Scope]
) -> str:
    """Start a session, in place of the one that the browser had. Returns its token."""
    with resources.database.begin() as session:
        key = api_keys.renew_sign_in(
            session, owner, user.subject, user.name, scopes, page_sessions.SESSION_LIFETIME
        )
        principal = replace(api_keys.principal_of(key), address=auth.address_of(request))
        audit.record(session, Action.SIGN_IN_SUCCEEDED, principal, f"{user.subject}, {user.name}", owner)
        if (old := auth.session_token(request)) is not None:
            page_sessions.end(session, old)
        return page_sessions.start(session, key.id)


def _grants(resources: AppResources, user: User) -> dict[str, frozenset[Scope]]:
    """Return the scopes that a user's groups give, by owner. Raises SignInFailed if there are none."""
    known = f"The identity provider knows you as {user.name}"
    if user.groups is None:
        claim = resources.settings.oidc_groups_claim
        message = f"{known}, but has sent no groups (the claim '{claim}')."
        raise SignInFailed(403, f"{message} Ask the operator of this service.")
    grants = scopes_of_groups(user.groups, resources.settings.oidc_groups)
    if not grants:
        message = f"{known}, but none of your groups has access here."
        raise SignInFailed(403, f"{message} Ask the operator of this service.")
    return grants


def _provider(resources: AppResources) -> IdentityProvider:
    if resources.identity_provider is None:
        raise NotFound("This service has no identity provider. Sign in with an API key.")
    return resources.identity_provider


def _refusal(resources: AppResources, target: str, refused: SignInFailed) -> Response:
    response = sign_in_page(resources, target, wrong=refused.message, status=refused.status)
    if refused.status == 503:
        response.headers["Retry-After"] = "5"
    return response
