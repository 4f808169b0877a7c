"""Users sign in with an identity provider, a process of its own, and work for the owner of their group."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from api.app import create_app
from jobs.access import api_keys, page_sessions
from jobs.database import Database
from jobs.secret_files import WrongSettings
from jobs.settings import Settings
from jobs.tables import NOW, ApiKey, AuditRecord, PageSession
from tests.api.security.single_sign_on.members import ORIGIN, audited, is_signed_in, make_key, works
from tests.identity_provider import IdentityProvider, query_of

SignIn = Callable[..., tuple[TestClient, httpx.Response]]

pytestmark = pytest.mark.threat


def test_a_user_gets_the_scopes_of_the_group(sign_in: SignIn, database: Database) -> None:
    client, answer = sign_in("ada", "llm-guests", "others", next="/sweeps")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sweeps")
    cookies = answer.headers.get_list("set-cookie")
    assert any("pruneserve_session=" in it and "HttpOnly" in it and "SameSite=lax" in it for it in cookies)
    shown = client.get("/jobs").text
    assert '<span class="owner">llm</span>' in shown
    assert "New job" not in shown, "a reader submits nothing"
    assert client.post("/settings/keys", data={"name": "x"}, headers=ORIGIN).status_code == 403
    assert audited(database) == [("sign-in.succeeded", "llm")]


def test_the_button_begins_at_the_public_address_and_keys_still_sign_in(
    anonymous: TestClient, make_key: Callable[..., str], identity_provider: IdentityProvider
) -> None:
    shown = anonymous.get("/sign-in?next=/sweeps").text
    host = identity_provider.issuer.removeprefix("http://")
    assert f'href="http://testserver/sign-in/oidc?next=/sweeps">Sign in with {host}</a>' in shown
    signed_in = anonymous.post("/sign-in", data={"key": make_key()}, headers=ORIGIN)
    assert signed_in.status_code == 303


def test_a_user_without_a_group_is_refused_with_a_reason(
    sign_in: SignIn,
    browser: Callable[[], TestClient],
    identity_provider: IdentityProvider,
    database: Database,
) -> None:
    client, answer = sign_in("bob", "another-team")
    assert answer.status_code == 403
    assert (
        "The identity provider knows you as bob@example.org, but none of your groups has access"
        in answer.text
    )
    assert not is_signed_in(client)
    identity_provider.put("carl", email="<b>carl</b>")
    without = browser()
    back = identity_provider.send_back(without.get("/sign-in/oidc").headers["location"], "carl")
    refused = without.get(back)
    assert refused.status_code == 403
    assert "has sent no groups (the claim &#39;groups&#39;)" in refused.text
    assert "<b>carl" not in refused.text
    with database.begin() as session:
        assert session.scalars(select(ApiKey)).all() == []


def test_a_user_who_declines_at_the_provider_is_not_signed_in(browser: Callable[[], TestClient]) -> None:
    client = browser()
    asked = query_of(client.get("/sign-in/oidc").headers["location"])
    back = {"state": asked["state"], "error": "access_denied", "error_description": "<b>call 555</b>"}
    answer = client.get("/sign-in/oidc/callback", params=back)
    assert answer.status_code == 403
    assert "555" not in answer.text


def test_a_record_names_the_user_by_what_never_changes(
    sign_in: SignIn, identity_provider: IdentityProvider, database: Database
) -> None:
    sign_in("ada", "llm-team")
    with database.begin() as session:
        action = AuditRecord.action == "sign-in.succeeded"
        recorded = session.scalars(select(AuditRecord.subject).where(action)).one()
        assert recorded == f"{identity_provider.issuer} ada, ada@example.org"


def test_another_key_of_the_provider_is_found(sign_in: SignIn, identity_provider: IdentityProvider) -> None:
    sign_in("ada", "llm-team")
    identity_provider.rotate_key()
    client, _ = sign_in("ada", "llm-team")
    assert is_signed_in(client)


def test_a_sign_in_is_no_key_and_takes_no_place_of_one(
    sign_in: SignIn, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MAX_KEYS", 3)
    sign_in("ada", "llm-team")
    client, _ = sign_in("ada", "llm-team")
    with database.begin() as session:
        row = session.scalars(select(ApiKey)).one()
        assert (row.secret_sha256, row.name, row.owner) == (b"", "sign-in of ada@example.org", "llm")
        assert len(session.scalars(select(PageSession)).all()) == 2
    assert "sign-in of ada@example.org" in client.get("/settings").text
    for _ in range(3):
        make_key(client, "jobs:read")


def test_session_and_keys_of_a_sign_in_end_with_it(sign_in: SignIn, database: Database) -> None:
    before = datetime.now(UTC)
    client, _ = sign_in("ada", "llm-team")
    key = make_key(client, "jobs:read")
    expires = datetime.fromisoformat(key["expires_at"])
    assert timedelta(0) <= expires - before - page_sessions.SESSION_LIFETIME < timedelta(minutes=5)
    assert works(client, key["key"])
    with database.begin() as session:
        session.execute(update(ApiKey).where(ApiKey.subject.is_not(None)).values(expires_at=NOW))
    assert not is_signed_in(client)


def test_an_admin_ends_a_sign_in_with_its_keys_at_once(
    sign_in: SignIn, client_of: Callable[..., TestClient], database: Database
) -> None:
    client, _ = sign_in("ada", "llm-team")
    colleague, _ = sign_in("bob", "llm-team")
    key, kept = make_key(client, "jobs:read")["key"], make_key(colleague, "jobs:read")["key"]
    with database.begin() as session:
        row = session.scalars(select(ApiKey.id).where(ApiKey.subject.endswith(" ada"))).one()
    assert client_of("root").delete(f"/v1/keys/{row}?cascade=true").status_code == 204
    assert not is_signed_in(client)
    assert not works(client, key)
    assert is_signed_in(colleague)
    assert works(colleague, kept)
    again, _ = sign_in("ada", "llm-team")
    assert is_signed_in(again)
    assert not is_signed_in(client), "a session that has ended stays so"
    assert not works(again, key), "what was revoked stays so"


def test_a_sign_in_with_other_groups_changes_what_open_sessions_may_do(sign_in: SignIn) -> None:
    client, _ = sign_in("ada", "llm-team")
    assert "New job" in client.get("/jobs").text
    sign_in("ada", "llm-guests")
    assert "New job" not in client.get("/jobs").text
    refused = client.post("/v1/keys", json={"name": "ci", "scopes": ["jobs:read"]}, headers=ORIGIN)
    assert refused.status_code == 403


def test_a_user_of_several_owners_chooses_one(sign_in: SignIn) -> None:
    client, choice = sign_in("ada", "llm-team", "vision", next="/sweeps")
    assert choice.status_code == 200
    assert not is_signed_in(client)
    assert "http://testserver/sign-in/oidc?next=/sweeps&amp;owner=vision" in choice.text
    assert "owner=platform" not in choice.text
    chosen, answer = sign_in("ada", "llm-team", "vision", owner="vision", next="/sweeps")
    assert answer.headers["location"] == "/sweeps"
    assert '<span class="owner">vision</span>' in chosen.get("/jobs").text
    _, another = sign_in("ada", "llm-team", "vision", owner="platform")
    assert (another.status_code, "pruneserve_session" in another.headers.get("set-cookie", "")) == (
        200,
        False,
    )


def test_a_webhook_is_the_owners_and_any_member_deletes_it(sign_in: SignIn) -> None:
    client, _ = sign_in("ada", "llm-team")
    body = {"url": "https://example.org/hook", "events": ["job.succeeded"]}
    made = client.post("/v1/webhooks", json=body, headers=ORIGIN).json()
    colleague, _ = sign_in("bob", "llm-team")
    assert [it["id"] for it in colleague.get("/v1/webhooks").json()["items"]] == [made["id"]]
    assert colleague.delete(f"/v1/webhooks/{made['id']}", headers=ORIGIN).status_code == 204
    assert colleague.get("/v1/webhooks").json()["items"] == []


def test_keys_work_while_the_provider_is_down(settings: Settings, make_key: Callable[..., str]) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen, so connections are refused
        issuer = f"http://localhost:{silent.getsockname()[1]}"
        with TestClient(create_app(settings.model_copy(update={"oidc_issuer": issuer}))) as client:
            refused = client.get("/sign-in/oidc")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            assert "Try again shortly, or sign in with an API key" in refused.text
            assert client.get("/readyz").status_code == 200
            assert works(client, make_key())


def test_a_provider_without_what_it_needs_is_refused_at_the_start(settings: Settings) -> None:
    with pytest.raises(WrongSettings, match="PRUNESERVE_SECRET_KEYS is not set"):
        create_app(settings.model_copy(update={"secret_keys": ()}))
