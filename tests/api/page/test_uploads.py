"""The page of uploaded texts, and how the form for a new job offers them."""

import html
import re

from fastapi.testclient import TestClient

from tests.api.drive import ClientOf, scopes_but

ORIGIN = {"Origin": "http://testserver"}


def upload(client: TestClient, name: str, text: bytes) -> str:
    answer = client.post(f"/v1/uploads?name={name}", content=text, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_uploads_are_listed_offered_and_deleted(client_of: ClientOf) -> None:
    client, other = client_of(scopes=scopes_but("admin")), client_of("eve")
    mine, theirs = upload(client, "mine", b"x" * 2500), upload(other, "theirs", b"y" * 100)
    page = client.get("/uploads").text
    assert re.findall(r"upload:([0-9a-f-]{36})", page) == [mine]
    assert "2.5 kB of" in page
    offered = re.findall(r'<option value="upload:([^"]+)">([^<]+)<', client.get("/jobs/new").text)
    assert offered == [(mine, "your upload mine, 2.5 kB")]
    assert client.post(f"/uploads/{theirs}/delete", headers=ORIGIN).status_code == 404
    answer = client.post(f"/uploads/{mine}/delete", headers=ORIGIN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/uploads")
    assert client.get("/v1/uploads").json()["items"] == []
    assert "No uploads yet" in client.get("/uploads").text
    assert [item["id"] for item in other.get("/v1/uploads").json()["items"]] == [theirs]


def test_an_upload_that_a_job_needs_is_not_deleted(client: TestClient) -> None:
    needed = upload(client, "needed", b"some text")
    job = {"model": "org/name", "method": "gblm", "sparsity": 0.5}
    body = job | {"calibration": {"dataset": f"upload:{needed}"}}
    assert client.post("/v1/jobs", json=body).status_code == 201
    answer = client.post(f"/uploads/{needed}/delete", headers=ORIGIN)
    assert answer.status_code == 409
    assert [item["id"] for item in client.get("/v1/uploads").json()["items"]] == [needed]


def test_the_command_names_this_service_and_a_reader_sees_neither_it_nor_buttons(client_of: ClientOf) -> None:
    page = html.unescape(client_of().get("/uploads").text)
    assert "curl -sS --fail-with-body 'http://testserver/v1/uploads?name=my-text'" in page
    reader = client_of(scopes=scopes_but("jobs:write"))
    assert "curl" not in reader.get("/uploads").text
