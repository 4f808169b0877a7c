"""A service with an identity provider, a process of its own, and browsers that sign in."""

from collections.abc import Callable

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from jobs.settings import Settings
from tests.api.security.single_sign_on.members import GROUPS
from tests.identity_provider import IdentityProvider, identity_provider

__all__ = ["identity_provider"]


@pytest.fixture
def settings(settings: Settings, identity_provider: IdentityProvider) -> Settings:
    client_id, secret = identity_provider.register("http://testserver/sign-in/oidc/callback")
    changes = {
        "oidc_issuer": identity_provider.issuer,
        "oidc_client_id": client_id,
        "oidc_client_secret": SecretStr(secret),
        "oidc_groups": GROUPS,
        "public_url": "http://testserver",
    }
    return settings.model_copy(update=changes)


@pytest.fixture
def browser(anonymous: TestClient) -> Callable[[], TestClient]:
    """Opens browsers without any cookie."""
    return lambda: TestClient(anonymous.app, raise_server_exceptions=False, follow_redirects=False)


@pytest.fixture
def sign_in(
    browser: Callable[[], TestClient], identity_provider: IdentityProvider
) -> Callable[..., tuple[TestClient, httpx.Response]]:
    """Signs somebody in who is in these groups. Returns the browser, and the answer that it ends with."""

    def sign_in(subject: str, *groups: str, **options: str) -> tuple[TestClient, httpx.Response]:
        identity_provider.put(subject, groups=groups, email=f"{subject}@example.org", email_verified=True)
        client = browser()
        there = client.get("/sign-in/oidc", params=options)
        back = identity_provider.send_back(there.headers["location"], subject)
        return client, client.get(back)

    return sign_in
