"""No owner sees or changes what belongs to another: a stranger tries every address of API and page."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient

from jobs.database import Database
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.tables import WebhookDelivery
from tests.api.drive import ORIGIN, SMALLEST, ClientOf, Jobs, scopes_but

WEBHOOK = {"url": "https://hooks.example.org"}
SPARSITY_OPEN = {name: value for name, value in SMALLEST.items() if name != "sparsity"}


@pytest.fixture
def of_ada(client_of: ClientOf, jobs: Jobs, database: Database) -> dict[str, str]:
    """One thing of each kind, by the name of the parameter that means it."""
    ada = client_of("ada")
    claim = jobs.running()
    jobs.succeed(claim, [FinishedArtifact("model.safetensors", "k", 1, "ab" * 32)])
    job = f"/v1/jobs/{claim.job_id}"
    upload = ada.post("/v1/uploads?name=x", content=b"x", headers={"Content-Type": "text/plain"}).json()
    webhook = ada.post("/v1/webhooks", json=WEBHOOK).json()
    sent = ada.post(f"/v1/webhooks/{webhook['id']}/test").json()
    sweep = ada.post("/v1/sweeps", json={"job": SPARSITY_OPEN, "vary": {"sparsity": [0.3, 0.5]}}).json()
    with database.begin() as session:
        session.get_one(WebhookDelivery, sent["id"]).attempts = 7
    return {
        "job_id": str(claim.job_id),
        "artifact_id": ada.get(f"{job}/artifacts").json()["items"][0]["id"],
        "key_id": ada.get("/v1/keys").json()["items"][0]["id"],
        "upload_id": upload["id"],
        "webhook_id": webhook["id"],
        "delivery_id": sent["id"],
        "sweep_id": sweep["id"],
    }


# The catalogue is for everybody who has a key; workers, queues and shares are the operators' business.
SHARED = ("/v1/zoo", "/v1/workers", "/v1/queues", "/v1/shares")
SHARED_PAGES = ("/zoo/", "/static/")


def addressed(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "{" in path and not path.startswith(SHARED)
    ]


def test_every_address_is_empty_for_a_stranger(
    client_of: ClientOf, of_ada: dict[str, str], anonymous: TestClient
) -> None:
    eve = client_of("eve", scopes_but("admin"))
    operations = addressed(anonymous.get("/v1/openapi.json").json())
    assert len(operations) > 15
    for method, path, operation in operations:
        body = {"json": {}} if "requestBody" in operation else {}
        answer = eve.request(method, path.format_map(of_ada), **body)  # type: ignore[arg-type]
        assert answer.status_code == 404, (method, path, answer.text)
        missing = eve.request(method, path.format_map({name: uuid4() for name in of_ada}), **body)  # type: ignore[arg-type]
        assert missing.text == answer.text, (method, path)


def test_every_page_is_empty_for_a_stranger(client_of: ClientOf, of_ada: dict[str, str]) -> None:
    eve = client_of("eve", scopes_but("admin"))
    pages = [
        (method, route.path)
        for route in iter_route_contexts(eve.app.routes)  # type: ignore[attr-defined]
        if isinstance(route.original_route, APIRoute) and not route.path.startswith(("/v1/", *SHARED_PAGES))
        for method in route.original_route.methods
        if "{" in route.path
    ]
    assert len(pages) > 10
    pages += [("GET", "/compare?job={job_id}"), ("GET", "/compare/front.svg?job={job_id}")]
    nothing = {name: str(uuid4()) for name in of_ada}
    for method, path in pages:
        theirs, missing = (
            eve.request(method, path.format_map(ids), headers=ORIGIN) for ids in (of_ada, nothing)
        )
        assert (theirs.status_code, missing.status_code) == (404, 404), (method, path)
        assert theirs.text.replace(of_ada["job_id"], nothing["job_id"]) == missing.text, (method, path)
        of_owner = f"{path}{'&' if '?' in path else '?'}owner=ada".format_map(of_ada)
        assert eve.request(method, of_owner, headers=ORIGIN).status_code in (403, 404), (method, path)
    assert [eve.get(f"/{path}?owner=ada").status_code for path in ("jobs", "sweeps", "compare")] == [403] * 3


def test_every_list_is_empty_for_a_stranger(
    client_of: ClientOf, of_ada: dict[str, str], anonymous: TestClient
) -> None:
    eve = client_of("eve")
    document = anonymous.get("/v1/openapi.json").json()
    lists = [path for path, methods in document["paths"].items() if "get" in methods and "{" not in path]
    assert {"/v1/jobs", "/v1/sweeps", "/v1/uploads", "/v1/webhooks", "/v1/keys"} <= set(lists)
    for path in set(lists) - {"/v1/audit"}:  # which shows an admin who made a webhook of any owner
        text = eve.get(path).text
        assert not [value for value in of_ada.values() if value in text], path


def test_a_stranger_cannot_use_what_they_cannot_see(client_of: ClientOf, of_ada: dict[str, str]) -> None:
    body = SMALLEST | {"calibration": {"dataset": f"upload:{of_ada['upload_id']}"}}
    assert client_of("eve").post("/v1/jobs", json=body).status_code == 422


def test_nothing_of_hers_has_changed(
    client_of: ClientOf, of_ada: dict[str, str], anonymous: TestClient
) -> None:
    test_every_address_is_empty_for_a_stranger(client_of, of_ada, anonymous)
    ada = client_of("ada")
    assert ada.get(f"/v1/jobs/{of_ada['job_id']}").json()["state"] == "succeeded"
    assert of_ada["upload_id"] in ada.get("/v1/uploads").text
    (sent,) = ada.get(f"/v1/webhooks/{of_ada['webhook_id']}/deliveries").json()["items"]
    assert sent["attempts"] == 7
    assert of_ada["key_id"] in ada.get("/v1/keys").text
