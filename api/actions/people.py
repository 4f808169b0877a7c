"""Signs people in with the operator's identity provider."""

import logging
from dataclasses import replace

from fastapi import Request

from api.problems.problems import NotFound
from api.rate_limit import network_of_client, require_few_failures
from api.resources import AppResources
from api.security import auth
from jobs.access import api_keys, audit, page_sessions, people
from jobs.access.api_keys import Principal
from jobs.access.audit import Action
from jobs.access.oidc import Attempt, Identity, Provider, ProviderUnavailable, Refused, Untrusted, granted
from jobs.webhooks.encryption import SecretBox

log = logging.getLogger(__name__)


class NotSignedIn(Exception):
    """Somebody cannot be signed in. `message` says why, to them."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


async def begin(request: Request, resources: AppResources, attempt: Attempt) -> str:
    """Return the provider's address that the browser is to open. Raises NotSignedIn, ServiceUnavailable."""
    provider = _provider(resources)
    try:
        # Most people take no place in the pool on the way there: it is for those on the way back.
        if (url := provider.kept_sign_in_url(attempt)) is not None:
            return url
        network = network_of_client(request)
        return await resources.sign_ins.run(network, lambda: provider.sign_in_url(attempt))
    except ProviderUnavailable as error:
        raise _unavailable(resources, error) from error


async def finish(request: Request, resources: AppResources, code: str, attempt: Attempt) -> str:
    """Start a page session for whoever the provider says it is. Returns its token.

    Raises NotSignedIn, ServiceUnavailable where too many wait, and RateLimited after too many failures: who
    sends false codes has the provider asked with this service's name, which it may stop listening to.
    """
    provider = _provider(resources)
    require_few_failures(request, resources.failures)
    address = auth.address_of(request)
    old = auth.session_token(request)
    try:
        return await resources.sign_ins.run(
            network_of_client(request),
            lambda: _admitted(resources, provider.exchange(code, attempt), address, old),
        )
    except ProviderUnavailable as error:
        raise _unavailable(resources, error) from error
    except Refused as error:
        raise NotSignedIn(400, "This sign-in has expired or was used before. Begin again.") from error
    except Untrusted as error:
        log.warning("an ID token of %s is not accepted: %s", provider.issuer, error)
        raise NotSignedIn(
            400,
            f"The answer of {_name(resources)} cannot be trusted: {error}. Ask the operator.",
        ) from error


def switch(resources: AppResources, principal: Principal, owner: str, old: str) -> str | None:
    """Start a session of the same person for another of their owners, and end the old one.

    Returns its token; None if they are no member of that owner.
    """
    with resources.database.begin() as session:
        membership = people.memberships(session, principal.key_id).get(owner)
        if membership is None:
            return None
        page_sessions.end(session, old)
        return page_sessions.start(session, membership)


def owners(resources: AppResources, principal: Principal) -> list[str]:
    """Return the owners of which the person who is signed in is a member; none if it is a key's session."""
    if resources.identity_provider is None:
        return []
    with resources.database.begin() as session:
        return [*people.memberships(session, principal.key_id)]


def _admitted(resources: AppResources, identity: Identity, address: str, old: str | None) -> str:
    settings = resources.settings
    grants = granted(identity.groups, settings.oidc_groups)
    with resources.database.begin() as session:
        secrets = SecretBox(settings.secret_keys)
        terms = people.Terms.of(settings)
        found = people.admit(session, identity, grants, terms, secrets, address=address)
        if old is not None:
            page_sessions.end(session, old)
        for key in found.values():
            principal = replace(api_keys.principal_of(key), address=address)
            who = people.described(key.person_id, identity.name)
            audit.record(session, Action.PERSON_SIGNED_IN, principal, who, key.owner)
        token = page_sessions.start(session, next(iter(found.values())).id) if found else None
    if token is None:
        raise NotSignedIn(403, _without_access(resources, identity))
    return token


def _without_access(resources: AppResources, identity: Identity) -> str:
    who = f"{_name(resources)} knows you as {identity.name}"
    if identity.groups is None:
        claim = resources.settings.oidc_groups_claim
        return f"{who}, but has sent no groups (the claim '{claim}'). Ask the operator of this service."
    return f"{who}, but none of your groups has access here. Ask the operator of this service."


def _unavailable(resources: AppResources, error: ProviderUnavailable) -> NotSignedIn:
    log.warning("the identity provider cannot be used: %s", error)
    return NotSignedIn(
        503,
        f"{_name(resources)} does not answer as it should. Try again shortly, or sign in with an API key.",
    )


def _name(resources: AppResources) -> str:
    name = resources.settings.oidc_name
    return name[:1].upper() + name[1:]


def _provider(resources: AppResources) -> Provider:
    if resources.identity_provider is None:
        raise NotFound("This service has no identity provider. Sign in with an API key.")
    return resources.identity_provider
