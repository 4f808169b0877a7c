import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from api.actions import keys
from api.problems.catalogue import ScopeMissing
from api.schemas.access import KeyRequest
from cli.main import app
from cli.terminal import Exit
from jobs.access import api_keys
from jobs.database import Database
from jobs.tables import ApiKey
from tests.api.drive import ORIGIN, ClientOf, MakeKey, Server, pages_of, scopes_but


def made(client: TestClient, **wanted: object) -> dict[str, object]:
    answer = client.post("/v1/keys", json={"name": "ci"} | wanted)
    assert answer.status_code == 201, answer.text
    body: dict[str, object] = answer.json()
    return body


def using(client: TestClient, key: object) -> TestClient:
    other = TestClient(client.app, raise_server_exceptions=False, follow_redirects=False)
    other.headers["Authorization"] = f"Bearer {key}"
    return other


def test_a_new_key_works_until_it_is_revoked_and_is_shown_once(client: TestClient) -> None:
    new = made(client, scopes=["jobs:read"])
    reader = using(client, new["key"])
    assert reader.get("/v1/jobs").status_code == 200
    assert reader.post("/v1/jobs", json={}).status_code in (403, 422)
    listed = client.get("/v1/keys")
    assert str(new["key"]) not in listed.text
    row = next(item for item in listed.json()["items"] if item["id"] == new["id"])
    assert str(new["key"]).startswith(f"ps_{row['prefix']}_")
    assert row["last_used_at"] is not None
    assert row["scopes"] == ["jobs:read"]
    for _ in range(2):
        assert client.delete(f"/v1/keys/{new['id']}").status_code == 204
    assert reader.get("/v1/jobs").status_code == 401
    assert new["id"] not in {item["id"] for item in client.get("/v1/keys").json()["items"]}


def test_a_key_can_expire(client: TestClient) -> None:
    def days(key: dict[str, object]) -> float:
        moments = [datetime.fromisoformat(str(key[name])) for name in ("created_at", "expires_at")]
        return (moments[1] - moments[0]) / timedelta(days=1)

    assert days(made(client, expires_in_days=30)) == pytest.approx(30)
    assert days(made(client)) == pytest.approx(365)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"owner": "a:b"},
        {"expires_in_days": 0},
        {"expires_in_days": float("1e9")},
        {"expires_in_days": "90"},
        {"expires_in_days": True},
        {"name": ""},
        {"name": "a\u0000b"},
    ],
)
def test_invalid_keys_are_refused(client: TestClient, wrong: dict[str, object]) -> None:
    answer = client.post("/v1/keys", json={"name": "ci"} | wrong)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(next(iter(wrong)))


def test_only_an_admin_makes_and_sees_keys_of_others(client_of: ClientOf) -> None:
    eve, admin = client_of("eve", scopes_but("admin")), client_of("root")
    refused = eve.post("/v1/keys", json={"name": "x", "owner": "ada"})
    assert refused.status_code == 403
    assert "'admin'" in refused.json()["detail"]
    assert eve.get("/v1/keys?everyone=true").status_code == 403
    for_ada = made(admin, owner="ada")
    assert using(admin, for_ada["key"]).get("/v1/keys").json()["items"][0]["owner"] == "ada"
    assert {item["owner"] for item in eve.get("/v1/keys").json()["items"]} == {"eve"}
    everyone = admin.get("/v1/keys?everyone=true").json()["items"]
    assert {item["owner"] for item in everyone} == {"ada", "eve", "root"}
    assert eve.delete(f"/v1/keys/{for_ada['id']}").status_code == 404
    assert using(admin, for_ada["key"]).get("/v1/jobs").status_code == 200
    assert admin.delete(f"/v1/keys/{for_ada['id']}").status_code == 204
    assert admin.delete(f"/v1/keys/{uuid4()}").status_code == 404


def test_a_key_grants_no_scope_it_lacks_and_does_not_outlive_its_creator(client: TestClient) -> None:
    shortlived = made(client, scopes=["jobs:read", "jobs:write"], expires_in_days=2)
    maker = using(client, shortlived["key"])
    assert made(maker, expires_in_days=30)["expires_at"] == shortlived["expires_at"]
    assert made(maker)["expires_at"] == shortlived["expires_at"]
    assert str(made(maker, expires_in_days=1)["expires_at"]) < str(shortlived["expires_at"])
    refused = maker.post("/v1/keys", json={"name": "x", "scopes": ["admin"]})
    assert refused.status_code == 403
    assert "'admin'" in refused.json()["detail"]


def tree(client: TestClient, depth: int) -> list[dict[str, object]]:
    """Return a key and what was made with it: each key makes the next."""
    keys = [made(client, scopes=["jobs:read", "jobs:write"])]
    for _ in range(depth):
        keys.append(made(using(client, keys[-1]["key"])))
    return keys


def works(client: TestClient, keys: list[dict[str, object]]) -> list[bool]:
    return [using(client, key["key"]).get("/v1/jobs").status_code == 200 for key in keys]


@pytest.mark.threat
def test_a_key_revokes_none_with_a_scope_that_it_lacks(client: TestClient) -> None:
    writer = using(client, made(client, scopes=["jobs:read", "jobs:write"])["key"])
    only_writes = using(client, made(client, scopes=["jobs:write"])["key"])
    admin, reader = made(client, scopes=["admin", "jobs:read", "jobs:write"]), made(client)
    for revoking, wanted, scope in ((writer, admin, "admin"), (only_writes, reader, "jobs:read")):
        for cascade in ("false", "true"):
            refused = revoking.delete(f"/v1/keys/{wanted['id']}?cascade={cascade}")
            assert refused.status_code == 403
            assert f"'{scope}'" in refused.json()["detail"]
    assert works(client, [admin, reader]) == [True, True]
    assert writer.delete(f"/v1/keys/{reader['id']}").status_code == 204
    assert using(client, admin["key"]).delete(f"/v1/keys/{admin['id']}").status_code == 204


@pytest.mark.threat
def test_what_a_leaked_key_has_made_can_be_revoked_with_it(client: TestClient) -> None:
    alone, leaked = tree(client, 2), tree(client, 3)
    bystander = made(client)
    assert [key["created_by"] for key in leaked[1:]] == [key["id"] for key in leaked[:-1]]
    assert client.delete(f"/v1/keys/{alone[0]['id']}").status_code == 204
    assert works(client, alone) == [False, True, True]
    for _ in range(2):
        assert client.delete(f"/v1/keys/{leaked[0]['id']}?cascade=true").status_code == 204
    assert works(client, [*leaked, bystander]) == [False] * 4 + [True]
    # A key that was revoked alone still leads to those that it made.
    assert client.delete(f"/v1/keys/{alone[0]['id']}?cascade=true").status_code == 204
    assert works(client, alone) == [False] * 3


@pytest.mark.threat
def test_only_an_admin_revokes_what_an_admins_key_has_made_for_others(
    client_of: ClientOf,
) -> None:
    """The admin's key is revoked already, as when it is replaced: its own scopes stop no one."""
    ordinary, next_admin = client_of("ops", scopes_but("admin")), client_of("ops")
    replaced = made(next_admin, scopes=["admin", "jobs:read", "jobs:write"])
    maker = using(next_admin, replaced["key"])
    children = [made(maker, owner=owner) for owner in ("bob", "carol", "ops")]
    assert next_admin.delete(f"/v1/keys/{replaced['id']}").status_code == 204
    refused = ordinary.delete(f"/v1/keys/{replaced['id']}?cascade=true")
    assert refused.status_code == 403
    assert "'admin'" in refused.json()["detail"]
    assert works(next_admin, children) == [True] * 3  # not even that of its own owner
    assert next_admin.delete(f"/v1/keys/{replaced['id']}?cascade=true").status_code == 204
    assert works(next_admin, children) == [False] * 3


@pytest.mark.threat
def test_only_an_admin_revokes_what_a_demoted_sign_in_has_made_for_others(
    client_of: ClientOf, database: Database
) -> None:
    def sign_in(session: Session, scopes: Iterable[str]) -> UUID:
        return api_keys.renew_sign_in(session, "ops", "issuer ada", "ada", scopes, timedelta(hours=12)).id

    ordinary, admin = client_of("ops", scopes_but("admin")), client_of("root")
    with database.begin() as session:
        row = sign_in(session, api_keys.SCOPES)
        _, key = api_keys.issue(
            session, "dave", "for dave", ["jobs:read"], created_by=row, lifetime=timedelta(days=9)
        )
        assert sign_in(session, api_keys.ORDINARY_SCOPES) == row
    assert ordinary.delete(f"/v1/keys/{row}?cascade=true").status_code == 403
    assert works(admin, [{"key": key}]) == [True]
    assert admin.delete(f"/v1/keys/{row}?cascade=true").status_code == 204
    assert works(admin, [{"key": key}]) == [False]


@pytest.mark.threat
def test_a_key_that_is_made_while_its_maker_is_revoked_is_revoked_too(
    client: TestClient, database: Database
) -> None:
    leaked = made(client, scopes=["jobs:read", "jobs:write"])
    with database.begin() as making, ThreadPoolExecutor(1) as pool:
        _, key = api_keys.issue(
            making,
            "ada",
            "late",
            ["jobs:read"],
            created_by=UUID(str(leaked["id"])),
            lifetime=timedelta(days=1),
        )
        revoked = pool.submit(client.delete, f"/v1/keys/{leaked['id']}?cascade=true")
        with pytest.raises(TimeoutError):  # it waits for the key that is being made
            revoked.result(0.3)
        making.commit()
        assert revoked.result(30).status_code == 204
    assert using(client, key).get("/v1/jobs").status_code == 401
    assert using(client, leaked["key"]).post("/v1/keys", json={"name": "x"}).status_code == 401


@pytest.mark.threat
@pytest.mark.parametrize("asked", [{"scopes": ["jobs:read"]}, {"owner": "eve"}])
def test_a_key_grants_what_its_maker_has_when_it_is_created(
    anonymous: TestClient, database: Database, asked: dict[str, object]
) -> None:
    """A sign-in of the same user takes scopes away while a request of its session is under way."""
    with database.begin() as session:
        row, _ = api_keys.create(session, "ada", "demoted", api_keys.SCOPES)
        asking = api_keys.principal_of(row)
        session.execute(update(ApiKey).where(ApiKey.id == row.id).values(scopes=["jobs:write"]))
    resources = anonymous.app.state.resources  # type: ignore[attr-defined]
    request = KeyRequest.model_validate({"name": "late", "scopes": ["jobs:write"]} | asked)
    with pytest.raises(ScopeMissing):
        keys.issue(resources, asking, request)


def test_the_list_is_paged(client: TestClient) -> None:
    for number in range(3):
        made(client, name=f"key {number}")
    names = [key["name"] for page in pages_of(client, "/v1/keys", limit=2) for key in page]
    assert names == ["key 2", "key 1", "key 0", "test"]


def test_the_command_makes_lists_and_revokes_them(
    server: Server, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str, key: str) -> tuple[int, str]:
        monkeypatch.setenv("PRUNESERVE_API_KEY", key)
        done = CliRunner().invoke(app, [*arguments, "--url", server.url])
        return done.exit_code, done.stdout

    admin = make_key()
    code, key = run("admin", "keys", "new", "--name", "ci", "--scope", "jobs:read", "--days", "2", key=admin)
    assert (code, key[:3]) == (Exit.OK, "ps_")
    assert run("jobs", key=key.strip())[0] == Exit.OK
    code, listed = run("admin", "keys", "list", "--everyone", key=admin)
    line = next(line for line in listed.splitlines() if " ci " in line)
    assert key[:11] in line
    assert key.strip() not in listed
    assert run("admin", "keys", "revoke", line.split()[0], key=key.strip())[0] == Exit.USAGE
    assert run("admin", "keys", "revoke", line.split()[0], key=admin)[0] == Exit.OK
    assert run("jobs", key=key.strip())[0] == Exit.USAGE
    maker = run("admin", "keys", "new", "--name", "maker", key=admin)[1].strip()
    child = run("admin", "keys", "new", "--name", "child", key=maker)[1].strip()
    listed = run("admin", "keys", "list", key=admin)[1]
    line = next(line for line in listed.splitlines() if " maker " in line)
    assert run("admin", "keys", "revoke", line.split()[0], "--cascade", key=admin)[0] == Exit.OK
    assert run("jobs", key=child)[0] == Exit.USAGE


def test_the_page_makes_shows_once_and_revokes_keys(anonymous: TestClient, make_key: MakeKey) -> None:
    anonymous.post("/sign-in", data={"key": make_key(), "next": "/jobs"}, headers=ORIGIN)
    form = {"name": "for <ci>", "scopes": ["jobs:read"], "expires_in_days": "30"}
    made_page = anonymous.post("/settings/keys", data=form, headers=ORIGIN)
    key = re.search(r"ps_\w{47}", made_page.text)
    assert key is not None
    assert "for &lt;ci&gt;" in made_page.text
    assert made_page.headers["Cache-Control"] == "no-store"
    assert using(anonymous, key[0]).get("/v1/jobs").status_code == 200
    listed = anonymous.get("/settings").text
    assert key[0] not in listed
    revoke = re.search(r"/settings/keys/[0-9a-f-]{36}/revoke", listed)
    assert revoke is not None
    assert listed.count('name="cascade"') == 1  # offered for the key of the session alone, which has made one
    assert anonymous.post(revoke[0], headers=ORIGIN).headers["Location"] == "/settings"
    assert using(anonymous, key[0]).get("/v1/jobs").status_code == 401
    assert anonymous.post("/settings/keys", data={"name": ""}, headers=ORIGIN).status_code == 422


@pytest.mark.threat
def test_an_owner_has_a_limited_number_of_valid_keys(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MAX_KEYS", 5)
    keys = [made(client, name=str(number)) for number in range(4)]
    refused = client.post("/v1/keys", json={"name": "one too many"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:pruneserve:problem:quota-exceeded"
    assert "5 valid keys" in refused.json()["detail"]
    made(client, owner="eve")
    assert client.delete(f"/v1/keys/{keys[0]['id']}").status_code == 204
    made(client)
    assert client.post("/v1/keys", json={"name": "x"}).status_code == 409


@pytest.mark.threat
def test_keys_have_a_longest_lifetime(client: TestClient) -> None:
    made(client, expires_in_days=3650)
    assert client.post("/v1/keys", json={"name": "x", "expires_in_days": 3651}).status_code == 422
