"""Whoever leaves a group loses what it gave them, and whoever comes back has it again."""

from collections.abc import Callable

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.tables import NOW, ApiKey, Person
from scheduler.memberships import MembershipChecks
from tests.api.security.single_sign_on.members import ORIGIN, audited, be_due, is_signed_in, make_key, works
from tests.identity_provider import IdentityProvider

pytestmark = pytest.mark.threat


def test_who_has_left_a_group_loses_keys_and_sessions_at_the_next_sign_in(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]], database: sessionmaker[Session]
) -> None:
    client, _ = sign_in("ada", "llm-team")
    colleague, _ = sign_in("bob", "llm-team")
    key, kept = make_key(client, "jobs:read"), make_key(colleague, "jobs:read")
    assert works(client, key)
    _, refused = sign_in("ada", "another-team")
    assert refused.status_code == 403
    assert not works(client, key)
    assert not is_signed_in(client)
    assert works(colleague, kept)
    assert is_signed_in(colleague)
    assert audited(database)[-2:] == [("membership.ended", "llm"), ("key.revoked", "llm")]
    back, _ = sign_in("ada", "llm-team")
    assert is_signed_in(back)
    assert not works(back, key), "what was revoked stays so"


def test_the_check_finds_out_without_a_sign_in(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    checks: MembershipChecks,
    database: sessionmaker[Session],
) -> None:
    client, _ = sign_in("ada", "llm-team")
    key = make_key(client, "jobs:read")
    identity_provider.put("ada", groups=[])
    checks.round()
    assert works(client, key), "nobody is due yet"
    be_due(database)
    checks.round()
    assert not works(client, key)
    assert not is_signed_in(client)
    with database.begin() as session:
        assert session.scalars(select(Person.refresh_token)).one() is None


def test_a_membership_that_an_admin_ends_begins_with_a_sign_in_and_with_no_check(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    client_of: Callable[..., TestClient],
    checks: MembershipChecks,
    database: sessionmaker[Session],
) -> None:
    client, _ = sign_in("ada", "llm-team")
    with database.begin() as session:
        membership = session.scalars(select(ApiKey.id).where(ApiKey.person_id.is_not(None))).one()
    assert client_of("root").delete(f"/v1/keys/{membership}").status_code == 204
    be_due(database)
    checks.round()
    valid = select(ApiKey.id).where(ApiKey.person_id.is_not(None), ApiKey.revoked_at.is_(None))
    with database.begin() as session:
        assert session.scalars(valid).all() == []
    assert not is_signed_in(client)
    again, _ = sign_in("ada", "llm-team")
    assert is_signed_in(again)
    assert audited(database)[-1] == ("person.signed-in", "llm")


def test_a_webhook_of_somebody_who_leaves_goes_on_until_another_member_deletes_it(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
) -> None:
    client, _ = sign_in("ada", "llm-team")
    body = {"url": "https://example.org/hook", "events": ["job.succeeded"]}
    made = client.post("/v1/webhooks", json=body, headers=ORIGIN).json()
    sign_in("ada", "another-team")
    colleague, _ = sign_in("bob", "llm-team")
    assert [it["id"] for it in colleague.get("/v1/webhooks").json()["items"]] == [made["id"]]
    assert colleague.delete(f"/v1/webhooks/{made['id']}", headers=ORIGIN).status_code == 204
    assert colleague.get("/v1/webhooks").json()["items"] == []


def test_a_change_of_groups_changes_what_sessions_and_keys_may_do(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    checks: MembershipChecks,
    database: sessionmaker[Session],
) -> None:
    """From an admin to a reader of one owner: what goes beyond that ends, the rest goes on."""
    client, _ = sign_in("ada", "llm-guests", "sre")
    switched = client.post("/sign-in/owner", data={"owner": "platform"}, headers=ORIGIN)
    assert switched.status_code == 303
    assert client.get("/v1/audit").status_code == 200
    reads = make_key(client, "jobs:read", owner="llm")
    writes = make_key(client, "jobs:read", "jobs:write", owner="llm")
    elsewhere = make_key(client, "jobs:read", owner="vision")
    be_due(database)
    checks.round()
    assert [works(client, key) for key in (reads, writes, elsewhere)] == [True] * 3
    identity_provider.put("ada", groups=["llm-guests"])
    be_due(database)
    checks.round()
    assert [works(client, key) for key in (reads, writes, elsewhere)] == [True, False, False]
    assert not is_signed_in(client), "the session was one of the owner that is lost"


def test_tokens_that_are_revoked_let_all_rest_until_the_next_sign_in(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    checks: MembershipChecks,
    database: sessionmaker[Session],
    outcomes: list[str],
) -> None:
    client, _ = sign_in("ada", "llm-team")
    key = make_key(client, "jobs:read")
    made_by_it = TestClient(client.app).post(
        "/v1/keys", json={"name": "x", "scopes": ["jobs:read"]}, headers={"Authorization": f"Bearer {key}"}
    )
    identity_provider.revoke("ada")
    be_due(database)
    checks.round()
    assert not works(client, key)
    assert audited(database)[-1][0] == "person.suspended"
    assert outcomes == ["refused"]
    again, _ = sign_in("ada", "llm-team")
    assert works(again, key)
    assert made_by_it.status_code == 403, "the key may not write"
    assert not is_signed_in(client), "sessions of before stay ended"


def test_whoever_rests_comes_back_with_all_they_have(
    sign_in: Callable[..., tuple[TestClient, httpx.Response]],
    identity_provider: IdentityProvider,
    checks: MembershipChecks,
    database: sessionmaker[Session],
) -> None:
    client, _ = sign_in("ada", "llm-team")
    colleague, _ = sign_in("bob", "llm-team")
    key, kept = make_key(client, "jobs:read"), make_key(colleague, "jobs:read")
    assert works(client, key)
    identity_provider.revoke("ada")
    be_due(database)
    checks.round()
    assert not works(client, key)
    again, _ = sign_in("ada", "llm-team")
    assert works(again, key)
    lapsed = update(Person).where(Person.subject == "ada").values(holds_until=NOW)
    with database.begin() as session:
        session.execute(lapsed)
    checks.round()
    assert not works(again, key), "the word was too old, without any answer"
    assert not is_signed_in(again)
    be_due(database)
    checks.round()
    assert works(again, key), "the provider has confirmed it"
    assert works(colleague, kept)
