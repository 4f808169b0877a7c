"""ID tokens that were made for somebody else, by somebody else, or at another time sign nobody in.

The provider is one that is made up here: a real one makes no such tokens.
"""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from starlette.requests import Request

from api.identity_provider import IdentityProvider, SignInFailed, User, scopes_of_groups
from jobs.settings import Settings
from tests.identity_provider import query_of

KEY = RSAKey.generate_key(2048, auto_kid=True)
PUBLISHED = [KEY.as_dict(private=False)]
ISSUER, CLIENT = "https://login.example.org", "pruneserve"
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "jwks_uri": f"{ISSUER}/keys",
    "id_token_signing_alg_values_supported": ["none", "HS256", "RS256", "ES256"],
}
Claims = dict[str, Any]
Answers = dict[str, tuple[int, Any]]

pytestmark = pytest.mark.threat


def right(nonce: str) -> Claims:
    now = int(time.time())
    return {
        "iss": ISSUER,
        "aud": CLIENT,
        "sub": "ada",
        "nonce": nonce,
        "iat": now - 5,
        "exp": now + 300,
        "groups": ["llm-team"],
    }


def changed(nonce: str, other: Claims) -> Claims:
    """The right claims with others in place of some. A difference is to the time of the test."""
    now = int(time.time())
    given = {
        name: now + it.total_seconds() if isinstance(it, timedelta) else it for name, it in other.items()
    }
    return right(nonce) | given


def signed(claims: Claims, key: RSAKey | ECKey = KEY, alg: str = "RS256") -> str:
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


def encoded(part: Claims) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


@pytest.fixture
def sign_in(settings: Settings) -> Callable[..., User]:
    """Signs in with the ID token that `make` returns for a nonce, at a provider with these answers."""
    ours = {"oidc_issuer": ISSUER, "oidc_client_id": CLIENT, "public_url": "https://prune.example.org"}
    provider = IdentityProvider(settings.model_copy(update=ours))

    def sign_in(make: Callable[[str], str | None], **answers: tuple[int, Any]) -> User:
        found: Answers = {"keys": (200, {"keys": PUBLISHED}), "userinfo": (500, {}), **answers}

        def answer(request: httpx2.Request) -> httpx2.Response:
            status, body = found.get(request.url.path.strip("/"), (200, METADATA))
            return httpx2.Response(status, json=body)

        provider._client.client_kwargs["transport"] = httpx2.MockTransport(answer)

        async def both_ways() -> User:
            session: dict[str, Any] = {}
            there = await provider.redirect(asked(session))
            way = query_of(there.headers["location"])
            tokens = {"access_token": "x", "token_type": "Bearer", "id_token": make(way["nonce"])}
            found.setdefault("token", (200, {name: it for name, it in tokens.items() if it is not None}))
            return await provider.user(asked(session, state=way["state"], code="a code"))

        return asyncio.run(both_ways())

    return sign_in


def asked(session: dict[str, Any], **query: str) -> Request:
    scope = {"type": "http", "method": "GET", "query_string": urlencode(query).encode(), "headers": []}
    return Request(scope | {"session": session})


def refused(sign_in: Callable[..., User], make: Callable[[str], str | None], **answers: Any) -> int:
    with pytest.raises(SignInFailed) as caught:
        sign_in(make, **answers)
    return caught.value.status


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"exp": timedelta(seconds=-30)},  # the clocks differ a little
    ],
)
def test_a_right_token_is_taken(sign_in: Callable[..., User], other: Claims) -> None:
    user = sign_in(lambda nonce: signed(changed(nonce, other)))
    assert user == User(f"{ISSUER} ada", "ada", ("llm-team",))


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "https://login.example.org/"},
        {"iss": ["https://login.example.org", "https://evil.example"]},
        {"aud": "another"},
        {"aud": "another", "azp": CLIENT},
        {"aud": []},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": timedelta(seconds=-61)},
        {"exp": None},
        {"exp": "2030-01-01"},
        {"iat": timedelta(minutes=100)},
        {"nbf": timedelta(minutes=100)},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"sub": "a" * 256},
    ],
)
def test_a_token_of_another_issuer_client_sign_in_or_time_is_refused(
    sign_in: Callable[..., User], other: Claims
) -> None:
    assert refused(sign_in, lambda nonce: signed(changed(nonce, other))) == 403


def test_a_token_is_refused_that_anybody_could_have_signed(sign_in: Callable[..., User]) -> None:
    """Without a signature, and with a MAC whose key is what the provider publishes. It says it knows both."""
    public = KEY.as_dict(private=False)

    def unsigned(nonce: str) -> str:
        return f"{encoded({'alg': 'none', 'kid': KEY.kid})}.{encoded(right(nonce))}."

    def with_mac(known: bytes) -> Callable[[str], str]:
        def make(nonce: str) -> str:
            begun = f"{encoded({'alg': 'HS256', 'kid': KEY.kid})}.{encoded(right(nonce))}"
            mac = hmac.digest(known, begun.encode(), "sha256")
            return f"{begun}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

        return make

    published = (KEY.as_pem(private=False), json.dumps(public).encode(), str(public["n"]).encode())
    for make in (unsigned, *map(with_mac, published)):
        assert refused(sign_in, make) == 403


def test_a_token_with_another_key_or_a_changed_claim_is_refused(sign_in: Callable[..., User]) -> None:
    other = RSAKey.generate_key(2048, parameters={"kid": KEY.kid})
    assert refused(sign_in, lambda nonce: signed(right(nonce), other)) == 403

    def forged(nonce: str) -> str:
        header, _, signature = signed(right(nonce)).split(".")
        return f"{header}.{encoded(right(nonce) | {'sub': 'eve'})}.{signature}"

    assert refused(sign_in, forged) == 403
    for token in (None, "", "a.b", "a.b.c", "." * 4, "é.é.é"):
        assert refused(sign_in, lambda _nonce, token=token: token) in (403, 503)


def test_keys_of_unknown_kinds_are_left_out_and_elliptic_curves_sign_too(
    sign_in: Callable[..., User],
) -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    keys = [{"kty": "AKP", "kid": "new"}, *PUBLISHED, key.as_dict(private=False)]
    assert sign_in(lambda nonce: signed(right(nonce), key, "ES256"), keys=(200, {"keys": keys}))


def test_the_metadata_of_another_issuer_begins_no_sign_in(
    sign_in: Callable[..., User], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(METADATA, "issuer", "https://evil.example")
    assert refused(sign_in, lambda nonce: signed(right(nonce))) == 503
    monkeypatch.undo()
    assert sign_in(lambda nonce: signed(right(nonce))), "it is read again"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"token": (400, {"error": "invalid_grant"})}, 403),
        ({"token": (401, {"error": "invalid_client"})}, 403),
        ({"token": (502, {})}, 503),
        ({"token": (200, "no object")}, 503),
        ({"keys": (500, {})}, 503),
        ({"userinfo": (401, {})}, 503),
        ({"userinfo": (200, {"sub": "eve", "groups": ["llm-team"]})}, 403),
    ],
)
def test_other_responses_are_no_sign_in(sign_in: Callable[..., User], answer: Answers, status: int) -> None:
    without_groups = {name: it for name, it in right("").items() if name not in ("groups", "nonce")}
    made = refused(sign_in, lambda nonce: signed(without_groups | {"nonce": nonce}), **answer)
    assert made == status


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "ada@example.org", "email_verified": True}, "ada@example.org"),
        ({"email": "boss@example.org", "email_verified": False, "preferred_username": "ada"}, "ada"),
        ({"email": "boss@example.org", "email_verified": "yes", "name": "Ada"}, "Ada"),
        ({"email": "boss@example.org"}, "ada"),
    ],
)
def test_an_unverified_email_address_is_no_name(
    sign_in: Callable[..., User], claims: Claims, name: str
) -> None:
    assert sign_in(lambda nonce: signed(right(nonce) | claims)).name == name


def test_groups_that_the_token_lacks_are_read_from_userinfo(sign_in: Callable[..., User]) -> None:
    def without(nonce: str) -> str:
        return signed({name: it for name, it in right(nonce).items() if name != "groups"})

    assert sign_in(without, userinfo=(200, {"sub": "ada", "groups": ["sre", 7]})).groups == ("sre",)
    assert sign_in(without, userinfo=(200, {"sub": "ada"})).groups is None


def test_groups_add_up_by_owner_and_count_letter_by_letter() -> None:
    mapping = {"read": ("llm", "reader"), "LLM": ("llm", "writer"), "sre": ("platform", "admin")}
    assert scopes_of_groups(["LLM", "other", "sre", "read"], mapping) == {  # type: ignore[arg-type]
        "llm": {"jobs:read", "jobs:write"},
        "platform": {"jobs:read", "jobs:write", "admin"},
    }
    assert [*scopes_of_groups(["sre", "read"], mapping)] == ["llm", "platform"]  # type: ignore[arg-type]
    assert scopes_of_groups(["read"], mapping) == {"llm": {"jobs:read"}}  # type: ignore[arg-type]
    assert scopes_of_groups(["llm", "Read", "read "], mapping) == {}  # type: ignore[arg-type]
    assert scopes_of_groups([], mapping) == {}  # type: ignore[arg-type]
