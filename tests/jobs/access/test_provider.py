"""What a provider's answers come to which the one of the other tests never gives.

These come from a transport that is made up here: real providers have such words, and none can be had.
"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from jobs.access.oidc import Provider, ProviderUnavailable, Refused
from jobs.settings import Settings

ISSUER = "https://login.example.org"
DISCOVERED = {
    "issuer": ISSUER,
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
}
Answer = tuple[int, Any]
Asked = Callable[..., Provider]

pytestmark = pytest.mark.threat


@pytest.fixture
def provider(settings: Settings) -> Iterator[Asked]:
    """Makes a provider whose endpoints give these answers."""
    ours = {"oidc_issuer": ISSUER, "oidc_client_id": "pruneserve", "public_url": "https://prune.example.org"}
    provider = Provider(settings.model_copy(update=ours))

    def with_answers(token: Answer, userinfo: Answer = (500, {})) -> Provider:
        answers = {"/token": token, "/userinfo": userinfo}

        def answer(request: httpx.Request) -> httpx.Response:
            status, body = answers.get(request.url.path, (200, DISCOVERED))
            return httpx.Response(status, json=body)

        provider._http = httpx.Client(transport=httpx.MockTransport(answer))
        return provider

    yield with_answers
    provider.close()


@pytest.mark.parametrize(
    ("token", "userinfo"),
    [
        ((400, {"error": "invalid_grant"}), (500, {})),
        ((403, {"error": "access_denied"}), (500, {})),
        ((401, {"error": "unauthorized"}), (500, {})),
        ((400, {"error": "interaction_required"}), (500, {})),
        ((200, {"access_token": "x"}), (401, {})),
        ((200, {"access_token": "x"}), (403, {})),
    ],
)
def test_a_made_up_refusal_of_one_person_is_one_in_any_words(
    provider: Asked, token: Answer, userinfo: Answer
) -> None:
    with pytest.raises(Refused):
        provider(token, userinfo).refresh("a token", "ada")


@pytest.mark.parametrize(
    ("token", "userinfo"),
    [
        ((401, {"error": "invalid_client"}), (500, {})),
        ((400, {"error": "unauthorized_client"}), (500, {})),
        ((400, {"error": "invalid_request"}), (500, {})),
        ((429, {"error": "rate_limited"}), (500, {})),
        ((408, {"error": "timeout"}), (500, {})),
        ((500, {"error": "access_denied"}), (500, {})),
        ((403, {"message": "a proxy"}), (500, {})),
        ((404, {}), (500, {})),
        ((200, {"access_token": "x"}), (429, {})),
        ((200, {"access_token": "x"}), (502, {})),
    ],
)
def test_a_made_up_fault_of_the_service_or_the_way_says_nothing_of_anybody(
    provider: Asked, token: Answer, userinfo: Answer
) -> None:
    with pytest.raises(ProviderUnavailable):
        provider(token, userinfo).refresh("a token", "ada")


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"email": "ada@example.org", "email_verified": True}, "ada@example.org"),
        ({"email": "boss@example.org", "email_verified": False, "preferred_username": "ada"}, "ada"),
        ({"email": "boss@example.org", "email_verified": "yes", "name": "Ada"}, "Ada"),
        ({"email": "boss@example.org"}, "sub-1"),
    ],
)
def test_a_made_up_address_that_nobody_has_verified_is_no_name(
    provider: Asked, claims: dict[str, object], name: str
) -> None:
    userinfo = 200, {"sub": "sub-1", "groups": []} | claims
    identity = provider((200, {"access_token": "x"}), userinfo).refresh("a token", "sub-1")
    assert (identity.name, identity.groups) == (name, ())
