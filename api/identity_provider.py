"""Sign-in with the operator's identity provider, by OpenID Connect.

Authlib runs the authorization code flow with PKCE, and checks state, nonce and ID token. What it needs
between the redirect and the callback is in a signed cookie, so the service stores nothing for browsers that
have not signed in.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client.errors import MismatchingStateError, OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Request, Response
from joserfc.errors import JoseError
from starlette.middleware.sessions import SessionMiddleware

from jobs.access.api_keys import ORDINARY_SCOPES, SCOPES, Scope
from jobs.secret_files import WrongSettings
from jobs.settings import Role, Settings
from jobs.spec.plain_text import plain

log = logging.getLogger(__name__)

CALLBACK = "/sign-in/oidc/callback"
"""The path of the redirect URI."""

COOKIE = "pruneserve_sign_in"
COOKIE_SECONDS = 600

SIGNATURES = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Asymmetric ones: not `none`, and no MAC."""

ROLE_SCOPES: Mapping[Role, frozenset[Scope]] = {
    "reader": frozenset({Scope.JOBS_READ}),
    "writer": frozenset(ORDINARY_SCOPES),
    "admin": frozenset(SCOPES),
}

_REQUEST_SECONDS = 5.0
_LEEWAY_SECONDS = 60
_MAX_SUBJECT = 255  # OpenID Connect Core, section 2
_MAX_GROUPS = 10_000
_MAX_NAME = 200


class SignInFailed(Exception):
    """A sign-in has failed. `message` is for the user."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class User:
    """A user of the identity provider. `subject` never changes; the name may, and is only shown."""

    subject: str
    name: str
    groups: tuple[str, ...] | None
    """None where the provider sent no groups."""


class IdentityProvider:
    """The identity provider of the settings, which have an issuer."""

    def __init__(self, settings: Settings) -> None:
        """Sends no request yet. Raises `WrongSettings` without keys to sign the cookie with."""
        if not settings.secret_keys:
            raise WrongSettings(
                "PRUNESERVE_SECRET_KEYS is not set: PRUNESERVE_OIDC_ISSUER needs it, because the cookie of a "
                "sign-in is signed with the first of these keys"
            )
        self._issuer = settings.oidc_issuer or ""
        self._client_id = settings.oidc_client_id
        self._groups_claim = settings.oidc_groups_claim
        self._redirect_uri = f"{settings.public_url}{CALLBACK}"
        secret = settings.oidc_client_secret
        self._client = OAuth().register(
            "oidc",
            client_id=self._client_id,
            client_secret=None if secret is None else secret.get_secret_value(),
            server_metadata_url=f"{self._issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.oidc_scopes,
                "code_challenge_method": "S256",
                "timeout": _REQUEST_SECONDS,
                # Authlib makes a client for each request; to load the certificates each time would hold the
                # event loop for 30 ms.
                "verify": httpx2.create_ssl_context(),
            },
        )

    async def redirect(self, request: Request) -> Response:
        """Return the redirect to the provider. Raises SignInFailed."""
        with _refused():
            await self._discover()
            redirect: Response = await self._client.authorize_redirect(request, self._redirect_uri)
            return redirect

    async def user(self, request: Request) -> User:
        """Return who has signed in, of the request with which the provider sends a browser back.

        Raises SignInFailed, also where this browser began no sign-in.
        """
        if request.query_params.get("iss", self._issuer) != self._issuer:  # RFC 9207
            raise SignInFailed(400, "The answer is of another identity provider. Begin again.")
        with _refused():
            await self._discover()
            self._client.server_metadata.pop("jwks", None)  # a token need not name its key, so read them anew
            token = await self._client.authorize_access_token(
                request,
                claims_options={
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                leeway=_LEEWAY_SECONDS,
            )
            claims = token["userinfo"] if "id_token" in token else {}
            subject = claims.get("sub")
            if (
                not isinstance(subject, str)
                or not 0 < len(subject) <= _MAX_SUBJECT
                or plain(subject) != subject
            ):
                raise OAuthError("invalid_token", "it has no ID token with a usable claim 'sub'")
            if self._groups_claim not in claims and "userinfo_endpoint" in self._client.server_metadata:
                more = await self._client.userinfo(token=token)
                if more.get("sub") != subject:
                    raise OAuthError("invalid_token", "userinfo is about another user")
                claims = {**claims, **more}
        return User(f"{self._issuer} {subject}", _name(claims), _groups(claims, self._groups_claim))

    async def _discover(self) -> None:
        """Read the provider's metadata once, and hold it to the settings."""
        metadata = await self._client.load_server_metadata()
        if (issuer := metadata.get("issuer")) != self._issuer:
            metadata.clear()
            raise ValueError(f"its issuer is {str(issuer)[:200]!r}: PRUNESERVE_OIDC_ISSUER must be the same")
        metadata["id_token_signing_alg_values_supported"] = SIGNATURES


def scopes_of_groups(
    groups: Iterable[str], mapping: Mapping[str, tuple[str, Role]]
) -> dict[str, frozenset[Scope]]:
    """Return the scopes that members of these groups have, by owner, in the order of the mapping.

    Several groups of one owner add up.
    """
    held = set(groups)
    by_owner: dict[str, frozenset[Scope]] = {}
    for group, (owner, role) in mapping.items():
        if group in held:
            by_owner[owner] = by_owner.get(owner, frozenset()) | ROLE_SCOPES[role]
    return by_owner


def add_cookie(app: FastAPI, settings: Settings) -> None:
    """Give requests the session in which Authlib stores a sign-in between redirect and callback."""
    secure = (settings.public_url or "").startswith("https:")
    app.add_middleware(
        SessionMiddleware,
        secret_key=settings.secret_keys[0].get_secret_value(),
        # With this prefix no other host of the domain can set it.
        session_cookie=f"__Host-{COOKIE}" if secure else COOKIE,
        max_age=COOKIE_SECONDS,
        same_site="lax",  # it must be sent with the callback, a navigation that begins on another site
        https_only=secure,
    )


@contextmanager
def _refused() -> Iterator[None]:
    """Turn what Authlib raises into SignInFailed."""
    try:
        yield
    except MismatchingStateError as error:
        raise SignInFailed(
            400, "This sign-in was not begun in this browser, or more than ten minutes ago. Begin again."
        ) from error
    except (OAuthError, JoseError) as error:
        log.warning("a sign-in is refused: %s", plain(str(error))[:500])
        raise SignInFailed(403, "The identity provider has not signed you in. Begin again.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError, ValueError) as error:
        log.warning(
            "the identity provider cannot be used: %s: %s", type(error).__name__, plain(str(error))[:500]
        )
        raise SignInFailed(
            503,
            "The identity provider does not answer as it should. Try again shortly, or sign in with an API "
            "key.",
        ) from error


def _groups(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Return the groups of a claim; None if it is missing or no list of texts."""
    found = claims.get(name)
    if isinstance(found, str):
        return (found,)
    if not isinstance(found, list) or len(found) > _MAX_GROUPS:
        return None
    return tuple(group for group in found if isinstance(group, str))


def _name(claims: Mapping[str, Any]) -> str:
    """Return the name to show. An address that is not verified may be another's."""
    email = ("email",) if claims.get("email_verified") is True else ()
    for claim in (*email, "preferred_username", "name"):
        if isinstance(found := claims.get(claim), str) and found.strip():
            return plain(found.strip())[:_MAX_NAME]
    return plain(claims["sub"])[:_MAX_NAME]
