"""ID tokens that were made for somebody else, by somebody else, or at another time are refused."""

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from jobs.access.oidc import Attempt, Untrusted, granted
from jobs.access.oidc.id_token import UnknownKey, checked, signing_keys

KEY = RSAKey.generate_key(2048, auto_kid=True)
NOW = 1_800_000_000.0
ISSUER, CLIENT, NONCE = "https://login.example.org", "pruneserve", "a nonce"
RIGHT: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "ada",
    "nonce": NONCE,
    "iat": NOW - 5,
    "exp": NOW + 300,
}

pytestmark = pytest.mark.threat


def signed(claims: dict[str, Any], key: RSAKey | ECKey = KEY, alg: str = "RS256") -> str:
    return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def check(token: str, keys: KeySet | None = None) -> dict[str, Any]:
    published = signing_keys({"keys": [KEY.as_dict(private=False)]})
    return checked(token, keys or published, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, now=NOW)


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "another"], "azp": CLIENT},
        {"exp": NOW - 30},  # the clocks differ a little
        {"iat": NOW + 30},
    ],
)
def test_a_right_token_is_taken(other: dict[str, Any]) -> None:
    assert check(signed(RIGHT | other))["sub"] == "ada"


@pytest.mark.parametrize(
    "other",
    [
        {"iss": "https://login.example.org/"},
        {"iss": ["https://login.example.org", "https://evil.example"]},
        {"aud": "another"},
        {"aud": []},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"exp": NOW - 61},
        {"exp": None},
        {"exp": "2030-01-01"},
        {"iat": NOW + 61},
        {"nbf": NOW + 61},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"sub": "a" * 256},
    ],
)
def test_a_token_of_another_issuer_client_sign_in_or_time_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(Untrusted):
        check(signed(RIGHT | other))


def test_a_token_is_refused_that_anybody_could_have_signed() -> None:
    """Without a signature, and with a MAC whose key is what the provider publishes."""
    public = KEY.as_dict(private=False)
    forged = [f"{encoded({'alg': 'none', 'kid': KEY.kid})}.{encoded(RIGHT)}."]
    for known in (KEY.as_pem(private=False), json.dumps(public).encode(), public["n"].encode()):
        begun = f"{encoded({'alg': 'HS256', 'kid': KEY.kid})}.{encoded(RIGHT)}"
        mac = hmac.digest(known, begun.encode(), "sha256")
        forged.append(f"{begun}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")
    for token in forged:
        with pytest.raises((Untrusted, UnknownKey)):
            check(token)
    assert len(forged) == 4
    assert not signing_keys({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "mac"}]})


def test_a_token_with_another_key_or_a_changed_claim_is_refused() -> None:
    other = RSAKey.generate_key(2048, parameters={"kid": KEY.kid})
    with pytest.raises(UnknownKey):
        check(signed(RIGHT, other))
    header, _, signature = signed(RIGHT).split(".")
    with pytest.raises(UnknownKey):
        check(f"{header}.{encoded(RIGHT | {'sub': 'eve'})}.{signature}")
    for token in ("", "a.b", "a.b.c", "." * 4, "é.é.é"):
        with pytest.raises((Untrusted, UnknownKey)):
            check(token)


def test_a_key_for_encryption_or_of_an_unknown_kind_signs_nothing() -> None:
    entry = KEY.as_dict(private=False)
    unusable = [entry | {"use": "enc"}, {"kty": "AKP", "kid": "new"}, {"kty": "RSA", "kid": "broken"}, "?"]
    assert not signing_keys({"keys": unusable})
    assert not signing_keys({})
    both = signing_keys({"keys": [*unusable, entry]})
    assert check(signed(RIGHT), both)


def test_a_key_that_was_not_published_when_the_set_was_read_is_told_apart() -> None:
    with pytest.raises(UnknownKey):
        check(signed(RIGHT, RSAKey.generate_key(2048, auto_kid=True)))


def test_elliptic_curves_sign_too() -> None:
    key = ECKey.generate_key("P-256", auto_kid=True)
    keys = signing_keys({"keys": [key.as_dict(private=False), KEY.as_dict(private=False)]})
    assert check(signed(RIGHT, key, "ES256"), keys)


def test_what_binds_a_sign_in_to_its_browser_is_told_to_nobody_else() -> None:
    one, other = Attempt.begin(), Attempt.begin()
    told = (one.state, one.nonce, one.code_challenge)
    assert len({one.seed, one.code_verifier, *told}) == 5
    assert one.answers(one.state)
    assert not one.answers(other.state)
    assert not one.answers("é")
    # RFC 7636: 43 to 128 of these letters.
    assert 43 <= len(one.code_verifier) <= 128
    assert set(one.code_verifier) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def test_groups_add_up_by_owner_and_count_letter_by_letter() -> None:
    mapping = {"read": ("llm", "reader"), "LLM": ("llm", "writer"), "sre": ("platform", "admin")}
    assert granted(["LLM", "other", "sre", "read"], mapping) == {
        "llm": {"jobs:read", "jobs:write"},
        "platform": {"jobs:read", "jobs:write", "admin"},
    }
    found = granted(["sre", "read"], mapping)
    assert found is not None
    assert [*found] == ["llm", "platform"], "in the order of the settings"
    assert granted(["read"], mapping) == {"llm": {"jobs:read"}}
    assert granted(["llm", "Read", "read "], mapping) == {}
    assert granted([], mapping) == {}
    assert granted(None, mapping) is None
