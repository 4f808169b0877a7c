"""A user signs in with an identity provider on another site, makes a key, changes team, and leaves both."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from cli.embedded.process import free_port
from cli.embedded.services import Api
from jobs.access import api_keys
from jobs.database import Database
from jobs.settings import Settings
from tests.browser.visitor import Visitor
from tests.identity_provider import IdentityProvider, identity_provider

__all__ = ["identity_provider"]

GROUPS = '{"llm-team": "llm:writer", "vision-team": "vision:reader"}'


@pytest.mark.threat
def test_sign_in_make_a_key_change_the_team_sign_out_and_be_refused(
    chromium: Browser,
    identity_provider: IdentityProvider,
    settings: Settings,
    database: Database,
    tmp_path: Path,
) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    client_id, secret = identity_provider.register(f"{address}/sign-in/oidc/callback")
    ada = {"email": "ada@example.org", "email_verified": True}
    identity_provider.put("ada", groups=["llm-team", "vision-team"], **ada)
    environment = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "STORE_URL": settings.store_url,
        "PRUNESERVE_PUBLIC_URL": address,
        "PRUNESERVE_SECRET_KEYS": "A" * 43 + "=",
        "PRUNESERVE_OIDC_ISSUER": identity_provider.issuer,
        "PRUNESERVE_OIDC_CLIENT_ID": client_id,
        "PRUNESERVE_OIDC_CLIENT_SECRET": secret,
        "PRUNESERVE_OIDC_GROUPS": GROUPS,
    }
    button = f"Sign in with {identity_provider.issuer.removeprefix('http://')}"
    with Api(tmp_path / "api", port, environment):
        visitor = Visitor(chromium.new_context(base_url=address), address)
        page = visitor.page
        # The provider's own page has a style from elsewhere.
        page.route(
            "**/*.css",
            lambda route: (
                route.abort()
                if "localhost" not in route.request.url and not route.request.url.startswith(address)
                else route.continue_()
            ),
        )

        def sign_in() -> None:
            page.get_by_role("link", name=button).click()
            page.get_by_placeholder("sub").fill("ada")
            page.get_by_role("button", name="Authorize").click()

        page.goto("/jobs")
        assert visitor.barriers() == ""
        sign_in()
        page.get_by_role("link", name="llm", exact=True).click()
        page.get_by_placeholder("sub").fill("ada")
        page.get_by_role("button", name="Authorize").click()
        page.get_by_role("link", name="Settings").click()
        expect(page.get_by_role("heading", name="API keys")).to_be_visible()
        expect(page.locator(".owner")).to_have_text("llm")
        assert visitor.barriers() == ""
        page.get_by_label("Name", exact=True).fill("ci")
        page.get_by_role("button", name="Create key").click()
        key = page.get_by_role("status").locator("code").inner_text()
        with database.begin() as session:
            principal = api_keys.authenticate(session, key)
        assert principal is not None
        assert principal.expires_at is not None
        page.get_by_role("button", name="Sign out").click()

        identity_provider.put("ada", groups=["vision-team"], **ada)
        sign_in()
        expect(page.locator(".owner")).to_have_text("vision")
        page.get_by_role("button", name="Sign out").click()
        identity_provider.put("ada", groups=["another"], **ada)
        sign_in()
        expect(page.get_by_role("alert")).to_contain_text("none of your groups has access here")
        page.goto("/jobs")
        expect(page.get_by_role("link", name=button)).to_be_visible()
        visitor.context.close()
