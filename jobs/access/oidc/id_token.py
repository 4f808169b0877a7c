"""Checks an ID token (OpenID Connect Core, 3.1.3.7)."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from joserfc.jws import JWSRegistry

from jobs.access.oidc.answers import Untrusted
from jobs.spec.plain_text import plain

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures that only the provider can make: no `none`, and no MAC with a key that others know."""

SKEW_SECONDS = 60
"""By how much the provider's clock may differ from ours."""

_KEY_TYPES = ("RSA", "EC")
_MAX_SUBJECT = 255  # as the specification says


class UnknownKey(Exception):
    """A token is signed with no key of the provider's set, as it was when it was read."""


def signing_keys(document: Mapping[str, Any]) -> KeySet:
    """Return the keys of a JWK set that can have signed an ID token. Those of other kinds are left out."""
    keys: list[Key] = []
    entries = document.get("keys")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("kty") in _KEY_TYPES and entry.get("use", "sig") == "sig":
            try:
                keys.append(JWKRegistry.import_key(entry))
            except (JoseError, ValueError, TypeError):
                continue
    return KeySet(keys)


def checked(
    token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str | None, now: float
) -> dict[str, Any]:
    """Return the claims of an ID token that this issuer has made for this client and is valid now.

    With `nonce`, it must answer that sign-in. Raises `Untrusted` and `UnknownKey`.
    """
    try:
        registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS, registry=registry).claims
        jwt.JWTClaimsRegistry(
            now=int(now),
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
    except (InvalidKeyIdError, BadSignatureError) as error:  # a token need not name its key
        raise UnknownKey from error
    except ClaimError as error:
        raise Untrusted(f"its claim '{error.claim}' is missing or wrong") from error
    except (JoseError, ValueError, TypeError) as error:
        raise Untrusted("its signature cannot be verified") from error
    if not 0 < len(claims["sub"]) <= _MAX_SUBJECT or plain(claims["sub"]) != claims["sub"]:
        raise Untrusted("its claim 'sub' is empty, too long or no plain text")
    _require_party(claims, client_id)
    if nonce is not None and not _same(claims.get("nonce"), nonce):
        raise Untrusted("it answers another sign-in")
    return claims


def _require_party(claims: Mapping[str, Any], client_id: str) -> None:
    """Refuse a token for several clients, unless it was issued to this one."""
    audience: str | Sequence[str] = claims["aud"]
    several = not isinstance(audience, str) and len(audience) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise Untrusted("it was issued to another client")


def _same(claim: object, nonce: str) -> bool:
    return isinstance(claim, str) and secrets.compare_digest(claim.encode("utf-8", "replace"), nonce.encode())
