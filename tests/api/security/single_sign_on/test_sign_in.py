"""People sign in with an identity provider, a process of its own, and work for the owner of their group."""

from collections.abc import Callable

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from api.app import create_app
from jobs.secret_files import WrongSettings
from jobs.settings import Settings
from jobs.tables import ApiKey, AuditRecord, PageSession, Person
from tests.api.security.single_sign_on.members import ORIGIN, audited, is_signed_in, make_key
from tests.identity_provider import IdentityProvider, query_of

pytestmark = pytest.mark.threat


def test_somebody_signs_in_as_their_group_says(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]], database: sessionmaker[Session]
) -> None:
    client, answer = sign_in("ada", "llm-guests", "others", next="/sweeps")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sweeps")
    cookies = answer.headers.get_list("set-cookie")
    assert any("pruneserve_session=" in it and "HttpOnly" in it and "SameSite=lax" in it for it in cookies)
    shown = client.get("/jobs").text
    assert '<span class="owner">llm</span>' in shown
    assert "New job" not in shown, "a reader submits nothing"
    assert client.post("/settings/keys", data={"name": "x"}, headers=ORIGIN).status_code == 403
    assert audited(database) == [("person.signed-in", "llm")]


def test_the_button_begins_at_the_public_address_and_keys_still_sign_in(
    anonymous: TestClient, make_key: Callable[..., str]
) -> None:
    shown = anonymous.get("/sign-in?next=/sweeps").text
    assert 'href="http://testserver/sign-in/oidc?next=/sweeps">Sign in with the company</a>' in shown
    signed_in = anonymous.post("/sign-in", data={"key": make_key()}, headers=ORIGIN)
    assert signed_in.status_code == 303


def test_without_a_group_nobody_is_signed_in_and_is_told_why(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    browser: Callable[[], TestClient],
    identity_provider: IdentityProvider,
    database: sessionmaker[Session],
) -> None:
    client, answer = sign_in("bob", "another-team")
    assert answer.status_code == 403
    assert "The company knows you as bob@example.org, but none of your groups has access" in answer.text
    assert not is_signed_in(client)
    identity_provider.put("carl", email="<b>carl</b>")
    without = browser()
    back = identity_provider.send_back(without.get("/sign-in/oidc").headers["location"], "carl")
    refused = without.get(back)
    assert refused.status_code == 403
    assert "has sent no groups (the claim &#39;groups&#39;)" in refused.text
    assert "<b>carl" not in refused.text
    with database.begin() as session:
        assert session.scalars(select(Person)).all() == []


def test_who_says_no_at_the_provider_is_not_signed_in(browser: Callable[[], TestClient]) -> None:
    client = browser()
    asked = query_of(client.get("/sign-in/oidc").headers["location"])
    back = {"state": asked["state"], "error": "access_denied", "error_description": "<b>call 555</b>"}
    answer = client.get("/sign-in/oidc/callback", params=back)
    assert answer.status_code == 403
    assert "555" not in answer.text


def test_a_record_names_the_person_by_what_never_changes(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]], database: sessionmaker[Session]
) -> None:
    sign_in("ada", "llm-team")
    with database.begin() as session:
        person = session.scalars(select(Person)).one()
        action = AuditRecord.action == "person.signed-in"
        told = session.scalars(select(AuditRecord.subject).where(action)).one()
        assert told == f"person {person.id}, ada@example.org"


def test_another_key_of_the_provider_is_found(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    anonymous: TestClient,
) -> None:
    sign_in("ada", "llm-team")
    identity_provider.rotate_key()
    _, early = sign_in("ada", "llm-team")
    assert early.status_code == 400, "the keys are read at most twice a minute"
    provider = anonymous.app.state.resources.identity_provider  # type: ignore[attr-defined]
    keys, read_at = provider._keys
    provider._keys = keys, read_at - 30
    client, _ = sign_in("ada", "llm-team")
    assert is_signed_in(client)


def test_a_membership_is_no_key_and_takes_no_place_of_one(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]], database: sessionmaker[Session]
) -> None:
    client, _ = sign_in("ada", "llm-team")
    with database.begin() as session:
        row = session.scalars(select(ApiKey)).one()
        assert (row.secret_sha256, row.name, row.owner) == (b"", "sign-in of ada@example.org", "llm")
        person = session.scalars(select(Person)).one()
        assert person.refresh_token is not None
        assert len(session.scalars(select(PageSession)).all()) == 1
    assert "sign-in of ada@example.org" in client.get("/settings").text


def test_switching_needs_a_membership(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]], client_of: Callable[..., TestClient]
) -> None:
    client, _ = sign_in("ada", "llm-team", "vision")
    assert client.post("/sign-in/owner", data={"owner": "platform"}, headers=ORIGIN).status_code == 404
    assert client_of("llm").post("/sign-in/owner", data={"owner": "vision"}).status_code == 404
    narrow = {"Authorization": f"Bearer {make_key(client, 'jobs:read')}"}
    by_key = TestClient(client.app).post("/sign-in/owner", data={"owner": "llm"}, headers=narrow)
    assert by_key.status_code == 404, "a key opens no session with the scopes of its maker"
    assert client.post("/sign-in/owner", data={"owner": "vision"}).status_code == 403, "of another site"
    moved = client.post("/sign-in/owner", data={"owner": "vision"}, headers=ORIGIN)
    assert moved.status_code == 303
    assert '<span class="owner">vision</span>' in client.get("/jobs").text


def test_a_provider_without_what_it_needs_is_refused_at_the_start(settings: Settings) -> None:
    with pytest.raises(WrongSettings, match="PRUNESERVE_SECRET_KEYS is not set"):
        create_app(settings.model_copy(update={"secret_keys": ()}))
