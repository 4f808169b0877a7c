"""Signs in to the page with the operator's identity provider: there, and back."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from api.actions import people
from api.actions.people import NotSignedIn
from api.page import sign_in_cookie
from api.page.base.render import NO_STORE
from api.page.sign_in import HOME, Next, safe_target, sign_in_page, signed_in
from api.problems.problems import NotFound
from api.resources import AppResources, Resources
from api.security import auth
from api.security.auth import Anyone
from jobs.access.oidc import Attempt

router = APIRouter(include_in_schema=False)

_NOT_BEGUN = "This sign-in was not begun in this browser, or more than ten minutes ago. Begin again."
_ANSWER = Query(max_length=4096)


@router.get("/sign-in/oidc")
async def begin(request: Request, resources: Resources, target: Next = HOME) -> Response:
    """Send the browser to the provider, with a cookie that recognises it when it comes back."""
    attempt = Attempt.begin()
    try:
        url = await people.begin(request, resources, attempt)
    except NotSignedIn as refused:
        return _refused(resources, target, refused)
    response = RedirectResponse(url, 303, headers=NO_STORE)
    sign_in_cookie.put(response, resources.settings, attempt, safe_target(target))
    return response


@router.get("/sign-in/oidc/callback")
async def finish(
    request: Request,
    resources: Resources,
    state: Annotated[str, _ANSWER] = "",
    code: Annotated[str, _ANSWER] = "",
    iss: Annotated[str | None, _ANSWER] = None,
    error: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """Sign in whoever the provider has sent back, if this browser has been sent there."""
    attempt, target = sign_in_cookie.read(request, resources.settings) or (None, HOME)
    try:
        if attempt is None or not attempt.answers(state):
            raise NotSignedIn(400, _NOT_BEGUN)
        if iss is not None and iss != resources.settings.oidc_issuer:
            raise NotSignedIn(400, "The answer is of another identity provider. Begin again.")
        if error is not None or not code:
            raise NotSignedIn(403, "The identity provider has not signed you in. Begin again.")
        token = await people.finish(request, resources, code, attempt)
    except NotSignedIn as refused:
        if refused.status < 500:
            await run_in_threadpool(auth.note_failure, request, resources)
        response = _refused(resources, target, refused)
    else:
        response = signed_in(request, token, target)
    sign_in_cookie.delete(response, resources.settings)
    return response


@router.post("/sign-in/owner")
def switch(
    request: Request, principal: Anyone, resources: Resources, owner: Annotated[str, Form(max_length=64)]
) -> Response:
    """Go on as a member of another of one's owners."""
    token = people.switch(resources, principal, owner, auth.session_token(request) or "")
    if token is None:
        raise NotFound("You are not signed in as a member of this owner.")
    return signed_in(request, token, HOME)


def _refused(resources: AppResources, target: str, refused: NotSignedIn) -> Response:
    response = sign_in_page(resources, target, wrong=refused.message, status=refused.status)
    if refused.status == 503:
        response.headers["Retry-After"] = "5"
    return response
