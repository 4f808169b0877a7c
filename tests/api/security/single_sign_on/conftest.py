"""A service with an identity provider, a process of its own, and browsers of people who sign in."""

from collections.abc import Callable, Iterator, Mapping

import httpx
import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy.orm import Session, sessionmaker

from jobs.access.oidc import Provider
from jobs.monitoring import figures
from jobs.monitoring.catalogue import MEMBERSHIP_CHECKS
from jobs.settings import Settings
from scheduler.memberships import MembershipChecks
from tests.api.security.single_sign_on.members import GROUPS
from tests.identity_provider import IdentityProvider, identity_provider

__all__ = ["identity_provider"]


@pytest.fixture
def settings(settings: Settings, identity_provider: IdentityProvider) -> Settings:
    client_id, secret = identity_provider.register("http://testserver/sign-in/oidc/callback")
    changes = {
        "oidc_issuer": identity_provider.issuer,
        "oidc_name": "the company",
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


@pytest.fixture
def checks(database: sessionmaker[Session], settings: Settings) -> Iterator[MembershipChecks]:
    provider = Provider.of(settings)
    assert provider is not None
    yield MembershipChecks(database, settings, provider)
    provider.close()


@pytest.fixture
def outcomes() -> Iterator[list[str]]:
    """How the checks of this process end, as its figures have it."""
    found: list[str] = []

    def take(name: str, value: float, labels: Mapping[str, str]) -> None:
        if name == MEMBERSHIP_CHECKS.name:
            assert MEMBERSHIP_CHECKS.has(labels)
            found.append(labels["outcome"])

    figures.record_into(take)
    yield found
    figures.record_into(None)
