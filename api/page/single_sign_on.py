"""Signs in to the page with the operator's identity provider: the redirect there, and the callback."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.identity_provider import IdentityProvider, NotSignedIn, User, granted
from api.page.sign_in import HOME, Next, safe_target, sign_in_page, signed_in
from api.problems.problems import NotFound
from api.rate_limit import require_few_failures
from api.resources import AppResources, Resources
from api.security import auth
from jobs.access import api_keys, audit, page_sessions
from jobs.access.api_keys import Scope
from jobs.access.audit import Action

router = APIRouter(include_in_schema=False)


@router.get("/sign-in/oidc")
async def begin(
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
    except NotSignedIn as refused:
        return _refused(resources, target, refused)


@router.get("/sign-in/oidc/callback")
async def finish(request: Request, resources: Resources) -> Response:
    """Start a page session for the user whom the provider has sent back, if this browser was sent there.

    Raises RateLimited after too many failures, before the provider is asked in this service's name.
    """
    provider = _provider(resources)
    require_few_failures(request, resources.failures)
    target, owner = request.session.get("wanted", (HOME, ""))
    try:
        user = await provider.user(request)
        grants = _grants(resources, user)
    except NotSignedIn as refused:
        if refused.status < 500:
            await run_in_threadpool(auth.note_failure, request, resources)
        return _refused(resources, target, refused)
    finally:
        request.session.clear()  # it is good for one callback
    if len(grants) == 1:
        (owner,) = grants
    if owner not in grants:
        return sign_in_page(resources, target, owners=[*grants])
    token = await run_in_threadpool(_start, request, resources, user, owner, grants[owner])
    return signed_in(request, token, target)


def _start(
    request: Request, resources: AppResources, user: User, owner: str, scopes: frozenset[Scope]
) -> str:
    """Start a session, in place of the one that the browser had. Returns its token."""
    with resources.database.begin() as session:
        key = api_keys.renew_sign_in(
            session, owner, user.subject, user.name, scopes, page_sessions.SESSION_LIFETIME
        )
        principal = replace(api_keys.principal_of(key), address=auth.address_of(request))
        audit.record(session, Action.USER_SIGNED_IN, principal, f"{user.subject}, {user.name}", owner)
        if (old := auth.session_token(request)) is not None:
            page_sessions.end(session, old)
        return page_sessions.start(session, key.id)


def _grants(resources: AppResources, user: User) -> dict[str, frozenset[Scope]]:
    """Return the scopes that a user's groups give, by owner. Raises NotSignedIn if there are none."""
    known = f"The identity provider knows you as {user.name}"
    if user.groups is None:
        claim = resources.settings.oidc_groups_claim
        message = f"{known}, but has sent no groups (the claim '{claim}')."
        raise NotSignedIn(403, f"{message} Ask the operator of this service.")
    grants = granted(user.groups, resources.settings.oidc_groups)
    if not grants:
        message = f"{known}, but none of your groups has access here."
        raise NotSignedIn(403, f"{message} Ask the operator of this service.")
    return grants


def _provider(resources: AppResources) -> IdentityProvider:
    if resources.identity_provider is None:
        raise NotFound("This service has no identity provider. Sign in with an API key.")
    return resources.identity_provider


def _refused(resources: AppResources, target: str, refused: NotSignedIn) -> Response:
    response = sign_in_page(resources, target, wrong=refused.message, status=refused.status)
    if refused.status == 503:
        response.headers["Retry-After"] = "5"
    return response
