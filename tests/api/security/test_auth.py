from datetime import timedelta
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from api.security.auth import authenticate
from jobs.database import Database
from jobs.tables import NOW, ApiKey
from tests.api.drive import ORIGIN, SMALLEST, ClientOf, Jobs, MakeKey, scopes_but

READS = ["/v1/jobs", "/v1/methods", "/v1/jobs/{id}", "/v1/jobs/{id}/events", "/v1/jobs/{id}/artifacts"]


@pytest.mark.parametrize("path", READS)
def test_every_read_needs_a_key(anonymous: TestClient, jobs: Jobs, path: str) -> None:
    answer = anonymous.get(path.format(id=jobs.queued()))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:pruneserve:problem:not-authenticated"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer ps_x", "Bearer \xff"]
)
def test_an_invalid_authorization_header_is_refused(anonymous: TestClient, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1")}
    assert anonymous.get("/v1/jobs", headers=headers).status_code == 401


def test_a_key_with_a_changed_letter_is_refused(anonymous: TestClient, make_key: MakeKey) -> None:
    key = make_key()
    changed = key[:-8] + ("a" if key[-8] != "a" else "b") + key[-7:]
    for wrong in (changed, key[:-1], key + "a"):
        assert anonymous.get("/v1/jobs", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401


def test_a_key_past_its_time_is_refused(client: TestClient, database: Database) -> None:
    with database.begin() as session:
        session.execute(update(ApiKey).values(expires_at=NOW + timedelta(hours=1)))
    assert client.get("/v1/jobs").status_code == 200
    with database.begin() as session:
        session.execute(update(ApiKey).values(expires_at=NOW))
    assert client.get("/v1/jobs").status_code == 401


def test_the_last_use_is_written_once_a_minute(client: TestClient, database: Database) -> None:
    def last_use(**changed: object) -> object:
        with database.begin() as session:
            if changed:
                session.execute(update(ApiKey).values(**changed))
            return session.scalars(select(ApiKey.last_used_at)).one()

    assert last_use() is None
    client.get("/v1/jobs")
    first = last_use()
    client.get("/v1/jobs")
    assert last_use() == first
    long_ago = last_use(last_used_at=NOW - timedelta(seconds=61))
    client.get("/v1/jobs")
    assert last_use() > long_ago  # type: ignore[operator]


def test_concurrent_uses_of_a_key_do_not_wait(client: TestClient, database: Database) -> None:
    with database.begin() as session:
        session.execute(select(ApiKey).with_for_update())
        assert client.get("/v1/jobs").status_code == 200


@pytest.mark.parametrize("missing", ["jobs:read", "jobs:write"])
def test_a_change_needs_the_scopes_to_read_and_to_write(
    client_of: ClientOf, jobs: Jobs, missing: str
) -> None:
    client, job_id = client_of(scopes=scopes_but(missing)), jobs.queued()
    assert client.get(f"/v1/jobs/{job_id}").status_code == (403 if missing == "jobs:read" else 200)
    for answer in (client.post("/v1/jobs", json=SMALLEST), client.post(f"/v1/jobs/{job_id}/cancel")):
        assert answer.status_code == 403
        assert missing in answer.json()["detail"]


@pytest.mark.threat
def test_what_shows_more_than_was_sent_needs_the_scope_to_read(client_of: ClientOf, jobs: Jobs) -> None:
    writer, ordinary = client_of(scopes=["jobs:write"]), client_of(scopes=["jobs:read", "jobs:write"])
    claim = jobs.running(model="org/secret")
    jobs.succeed(claim)
    hook = ordinary.post(
        "/v1/webhooks", json={"url": "https://hooks.example.org/secret", "events": ["job.failed"]}
    )
    webhook = f"/v1/webhooks/{hook.json()['id']}"
    sent = ordinary.post(f"{webhook}/test").json()["id"]
    page = {"headers": ORIGIN}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", f"/jobs/{claim.job_id}/promote", page),
        ("POST", "/v1/zoo", {"json": {"job_id": str(claim.job_id)}}),
        ("POST", "/settings/keys", page | {"data": {"name": "another", "scopes": "jobs:write"}}),
        ("POST", "/v1/webhooks", {"json": {"url": "https://other.example.org", "events": ["job.succeeded"]}}),
        ("PATCH", webhook, {"json": {}}),
        ("POST", f"{webhook}/deliveries/{sent}/replay", {}),
    ]
    for method, path, more in asked:
        refused = writer.request(method, path, **more)
        assert (path, refused.status_code, "secret" in refused.text) == (path, 403, False)
    for method, path, more in asked:
        assert ordinary.request(method, path, **more).status_code < 400, path


# Whoever watches the process, reads the contract, is about to sign in, or asks with any key what it may do.
PUBLIC = {
    "GET /v1/me",
    "GET /healthz",
    "GET /readyz",
    "GET /",
    "GET /sign-in",
    "GET /sign-in/oidc",
    "GET /sign-in/oidc/callback",
    "POST /sign-in",
    "POST /sign-out",
}


def scopes_of(dependant: Dependant) -> set[str]:
    scopes = set(dependant.own_oauth_scopes or ()) if dependant.call is authenticate else set()
    return scopes.union(*map(scopes_of, dependant.dependencies))


def test_every_route_states_its_scope(anonymous: TestClient) -> None:
    unguarded, known = set(), set()
    for route in iter_route_contexts(anonymous.app.routes):  # type: ignore[attr-defined]
        if not isinstance(route.original_route, APIRoute):
            continue
        for method in route.original_route.methods:
            known.add(f"{method} {route.path}")
            if not scopes_of(route.original_route.dependant):
                unguarded.add(f"{method} {route.path}")
    assert {"POST /v1/jobs", "POST /jobs/{job_id}/cancel"} <= known
    assert unguarded == PUBLIC
