import re
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cli.main import app
from cli.terminal import Exit
from tests.api.drive import ClientOf, MakeKey, Server, scopes_but


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
    assert made(client)["expires_at"] is None
    assert made(client, expires_in_days=30)["expires_at"] is not None


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


def test_the_list_is_paged(client: TestClient) -> None:
    for number in range(3):
        made(client, name=f"key {number}")
    names, cursor = [], ""
    while cursor is not None:
        page = client.get("/v1/keys", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        names += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert names == ["key 2", "key 1", "key 0", "test"]


def test_the_command_makes_lists_and_revokes_them(
    server: Server, make_key: MakeKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: str, key: str) -> tuple[int, str]:
        monkeypatch.setenv("PRUNESERVE_API_KEY", key)
        done = CliRunner().invoke(app, [*arguments, "--url", server.url])
        return done.exit_code, done.stdout

    admin = make_key()
    code, key = run("keys", "new", "--name", "ci", "--scope", "jobs:read", "--days", "2", key=admin)
    assert (code, key[:3]) == (Exit.OK, "ps_")
    assert run("jobs", key=key.strip())[0] == Exit.OK
    code, listed = run("keys", "list", "--everyone", key=admin)
    line = next(line for line in listed.splitlines() if " ci " in line)
    assert key[:11] in line
    assert key.strip() not in listed
    assert run("keys", "revoke", line.split()[0], key=key.strip())[0] == Exit.USAGE
    assert run("keys", "revoke", line.split()[0], key=admin)[0] == Exit.OK
    assert run("jobs", key=key.strip())[0] == Exit.USAGE


def test_the_page_makes_shows_once_and_revokes_keys(anonymous: TestClient, make_key: MakeKey) -> None:
    origin = {"Origin": "http://testserver"}
    anonymous.post("/sign-in", data={"key": make_key(), "next": "/jobs"}, headers=origin)
    form = {"name": "for <ci>", "scopes": ["jobs:read"], "expires_in_days": "30"}
    made_page = anonymous.post("/keys", data=form, headers=origin)
    key = re.search(r"ps_\w{47}", made_page.text)
    assert key is not None
    assert "for &lt;ci&gt;" in made_page.text
    assert made_page.headers["Cache-Control"] == "no-store"
    assert using(anonymous, key[0]).get("/v1/jobs").status_code == 200
    listed = anonymous.get("/keys").text
    assert key[0] not in listed
    revoke = re.search(r"/keys/[0-9a-f-]{36}/revoke", listed)
    assert revoke is not None
    assert anonymous.post(revoke[0], headers=origin).headers["Location"] == "/keys"
    assert using(anonymous, key[0]).get("/v1/jobs").status_code == 401
    assert anonymous.post("/keys", data={"name": ""}, headers=origin).status_code == 422
