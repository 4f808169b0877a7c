"""Asks the operator's identity provider: OpenID Connect's code flow with PKCE, refresh tokens, userinfo.

The issuer is the operator's own setting, and the addresses are those that its discovery document names. What
is read once is kept for an hour, the keys read again when a token names one that is not known, at most twice
a minute.
"""

import json
import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx
from joserfc.jwk import KeySet

from jobs.access.oidc.answers import Identity, ProviderUnavailable, Refused, Untrusted
from jobs.access.oidc.attempt import Attempt
from jobs.access.oidc.id_token import UnknownKey, checked, signing_keys
from jobs.secret_files import WrongSettings
from jobs.settings import Settings
from jobs.spec.plain_text import plain

CALLBACK = "/sign-in/oidc/callback"
"""The path of the service to which the provider sends people back."""

_DISCOVERY = "/.well-known/openid-configuration"
_REQUEST_SECONDS = 5.0
_ANSWER_SECONDS = 10.0  # for all of an answer, which may come byte by byte
_MAX_ANSWER = 2**20
_KEPT_SECONDS = 3600.0
_KEYS_EVERY_SECONDS = 30.0
_DOWN_SECONDS = 5.0  # for which a provider that could not be discovered is not asked again
_MAX_GROUPS = 10_000
_MAX_NAME = 200

_NOT_OF_THE_PERSON = frozenset(
    {
        "invalid_client",
        "invalid_request",
        "invalid_scope",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
"""Errors that are the operator's or the provider's to mend."""

T = TypeVar("T")


class Provider:
    """The identity provider of the settings. Threads may share one."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is asked yet. `settings` have an issuer."""
        self._issuer = settings.oidc_issuer or ""
        self._client_id = settings.oidc_client_id or ""
        secret = settings.oidc_client_secret
        self._secret = None if secret is None else secret.get_secret_value()
        self._scopes = settings.oidc_scopes
        self._groups_claim = settings.oidc_groups_claim
        self._redirect_uri = f"{settings.public_url}{CALLBACK}"
        self._http = httpx.Client(timeout=_REQUEST_SECONDS, follow_redirects=False)
        self._clock, self._monotonic = clock, monotonic
        self._lock = Lock()  # of what is remembered, never held while the provider is asked
        self._metadata: tuple[dict[str, Any], float] | None = None
        self._keys: tuple[KeySet, float] | None = None
        self._down_until = 0.0

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        """Return the provider of these settings, or None. Raises `WrongSettings` if it cannot be used."""
        if settings.oidc_issuer is None:
            return None
        if not settings.secret_keys:
            raise WrongSettings(
                "PRUNESERVE_SECRET_KEYS is not set: PRUNESERVE_OIDC_ISSUER needs it, because refresh tokens "
                "are encrypted with these keys"
            )
        return cls(settings)

    @property
    def issuer(self) -> str:
        """The issuer's identifier."""
        return self._issuer

    def sign_in_url(self, attempt: Attempt) -> str:
        """Return the provider's address that a browser is to open. Raises `ProviderUnavailable`."""
        return self._sign_in_url(attempt, self._discovered())

    def kept_sign_in_url(self, attempt: Attempt) -> str | None:
        """Return the same at once, or None where the provider must be asked for it first."""
        kept = self._kept()
        return None if kept is None else self._sign_in_url(attempt, kept)

    def _sign_in_url(self, attempt: Attempt, metadata: Mapping[str, Any]) -> str:
        endpoint = self._endpoint("authorization_endpoint", metadata)
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self._client_id,
                "redirect_uri": self._redirect_uri,
                "scope": self._scopes,
                "state": attempt.state,
                "nonce": attempt.nonce,
                "code_challenge": attempt.code_challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{query}"

    def exchange(self, code: str, attempt: Attempt) -> Identity:
        """Return who has signed in. Raises `ProviderUnavailable`, `Refused` and `Untrusted`."""
        tokens = self._tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=self._redirect_uri,
            code_verifier=attempt.code_verifier,
        )
        id_token = tokens.get("id_token")
        if not isinstance(id_token, str):
            raise Untrusted("it is missing")
        return self._identity(self._checked(id_token, attempt.nonce), tokens)

    def refresh(self, refresh_token: str, subject: str) -> Identity:
        """Return what the provider says now of somebody. Raises what `exchange` does."""
        tokens = self._tokens(grant_type="refresh_token", refresh_token=refresh_token)
        tokens = {"refresh_token": refresh_token} | tokens  # unless it has sent another one
        try:
            return self._refreshed(tokens, subject)
        except ProviderUnavailable as error:
            error.refresh_token = _refresh_token(tokens)
            raise

    def _refreshed(self, tokens: Mapping[str, Any], subject: str) -> Identity:
        id_token = tokens.get("id_token")
        claims = (
            self._checked(id_token, None) if isinstance(id_token, str) else self._userinfo(tokens, subject)
        )
        if claims["sub"] != subject:
            raise Untrusted("it is of somebody else")
        return self._identity(claims, tokens)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _identity(self, claims: Mapping[str, Any], tokens: Mapping[str, Any]) -> Identity:
        groups = _groups(claims, self._groups_claim)
        if groups is None and "access_token" in tokens and "userinfo_endpoint" in self._discovered():
            claims = {**claims, **self._userinfo(tokens, claims["sub"])}
            groups = _groups(claims, self._groups_claim)
        return Identity(
            self._issuer,
            claims["sub"],
            _name(claims),
            groups,
            _refresh_token(tokens),
        )

    def _userinfo(self, tokens: Mapping[str, Any], subject: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {tokens.get('access_token')}"}
        status, claims = self._ask("GET", self._endpoint("userinfo_endpoint"), headers=headers)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise Refused  # with a token that it has made a moment ago
        if status != httpx.codes.OK:
            raise ProviderUnavailable(f"userinfo answers {status}")
        if claims.get("sub") != subject:
            raise Untrusted("userinfo is of somebody else")
        return claims

    def _tokens(self, **form: str) -> dict[str, Any]:
        auth: httpx.BasicAuth | None = None
        if self._secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in self._methods():
            # Both are encoded as in a form first (RFC 6749, 2.3.1).
            auth = httpx.BasicAuth(quote_plus(self._client_id), quote_plus(self._secret))
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        endpoint = self._endpoint("token_endpoint")
        status, answer = self._ask("POST", endpoint, data=form, auth=auth)
        if status == httpx.codes.OK:
            return answer
        error = answer.get("error")
        if _is_of_the_person(status, error):
            raise Refused
        raise ProviderUnavailable(f"the token endpoint answers {status}: {plain(str(error))[:80]}")

    def _methods(self) -> list[str]:
        found = self._discovered().get("token_endpoint_auth_methods_supported")
        return found if isinstance(found, list) else ["client_secret_basic"]

    def _checked(self, id_token: str, nonce: str | None) -> dict[str, Any]:
        for again in (False, True):
            try:
                return checked(
                    id_token,
                    self._signing_keys(again=again),
                    issuer=self._issuer,
                    client_id=self._client_id,
                    nonce=nonce,
                    now=self._clock(),
                )
            except UnknownKey:
                continue  # the provider may have begun to use another key
        raise Untrusted("it is signed with a key that the issuer does not publish")

    def _signing_keys(self, *, again: bool) -> KeySet:
        """Return the provider's keys: those that are kept for an hour, or if they lack one, half a minute."""
        now = self._monotonic()
        with self._lock:
            kept = self._keys
        if kept is not None:
            keys, read_at = kept
            if now - read_at < (_KEYS_EVERY_SECONDS if again else _KEPT_SECONDS):
                return keys
        status, document = self._ask("GET", self._endpoint("jwks_uri"))
        if status != httpx.codes.OK:
            raise ProviderUnavailable(f"its keys answer {status}")
        keys = signing_keys(document)
        with self._lock:
            self._keys = keys, now
        return keys

    def _endpoint(self, name: str, metadata: Mapping[str, Any] | None = None) -> str:
        url = (self._discovered() if metadata is None else metadata).get(name)
        if not isinstance(url, str) or urlsplit(url).scheme not in ("https", urlsplit(self._issuer).scheme):
            raise ProviderUnavailable(f"its discovery document names no {name} with https")
        return url

    def _kept(self) -> dict[str, Any] | None:
        """Return the discovery document if it is young enough, and ask nobody.

        Raises `ProviderUnavailable` for a while after it did not answer.
        """
        now = self._monotonic()
        with self._lock:
            if self._metadata is not None and now - self._metadata[1] < _KEPT_SECONDS:
                return self._metadata[0]
            if now < self._down_until:
                raise ProviderUnavailable("it did not answer a moment ago")
        return None

    def _discovered(self) -> dict[str, Any]:
        if (kept := self._kept()) is not None:
            return kept
        now = self._monotonic()
        try:
            metadata = self._discover()
        except ProviderUnavailable:
            with self._lock:
                self._down_until = self._monotonic() + _DOWN_SECONDS
            raise
        with self._lock:
            self._metadata = metadata, now
        return metadata

    def _discover(self) -> dict[str, Any]:
        status, metadata = self._ask("GET", self._issuer.rstrip("/") + _DISCOVERY)
        if status != httpx.codes.OK:
            raise ProviderUnavailable(f"its discovery document answers {status}")
        if metadata.get("issuer") != self._issuer:
            said = plain(str(metadata.get("issuer")))[:200]
            raise ProviderUnavailable(f"it calls itself '{said}': PRUNESERVE_OIDC_ISSUER must be the same")
        return metadata

    def _ask(self, method: str, url: str, **options: Any) -> tuple[int, dict[str, Any]]:  # noqa: ANN401 - httpx's own
        """Return status and JSON object of an answer; an empty one for an error that has none."""
        give_up_at = self._monotonic() + _ANSWER_SECONDS
        body = bytearray()
        try:
            headers = {"Accept": "application/json", **options.pop("headers", {})}
            with self._http.stream(method, url, headers=headers, **options) as response:
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > _MAX_ANSWER or self._monotonic() > give_up_at:
                        raise ProviderUnavailable("its answer is too long, or takes too long")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderUnavailable(type(error).__name__) from error
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError) as error:
            if response.is_success:
                raise ProviderUnavailable("its answer is no JSON") from error
            answer = {}
        if not isinstance(answer, dict):
            raise ProviderUnavailable("its answer is no JSON object")
        return response.status_code, answer


def _is_of_the_person(status: int, error: object) -> bool:
    """Whether an error of the token endpoint (RFC 6749, 5.2) says something of the person.

    Providers have many words for that beside `invalid_grant`. An answer without any is that of something in
    between, such as a proxy.
    """
    passing = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS)
    is_refusal = httpx.codes.is_client_error(status) and status not in passing
    return is_refusal and isinstance(error, str) and error not in _NOT_OF_THE_PERSON


def _refresh_token(tokens: Mapping[str, Any]) -> str | None:
    found = tokens.get("refresh_token")
    return found if isinstance(found, str) else None


def _groups(claims: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Return the groups of a claim; None if it is missing or no list of texts."""
    found = claims.get(name)
    if isinstance(found, str):
        return (found,)
    if not isinstance(found, list) or len(found) > _MAX_GROUPS:
        return None
    return tuple(group for group in found if isinstance(group, str))


def _name(claims: Mapping[str, Any]) -> str:
    """Return by what people recognise somebody. An address that nobody has verified may be another's."""
    email = ("email",) if claims.get("email_verified") is True else ()
    for claim in (*email, "preferred_username", "name"):
        if isinstance(found := claims.get(claim), str) and found.strip():
            return plain(found.strip())[:_MAX_NAME]
    return plain(claims["sub"])[:_MAX_NAME]
