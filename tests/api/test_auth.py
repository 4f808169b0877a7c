import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from jobs.tables import NOW, ApiKey

from .drive import SMALLEST, ClientOf, Jobs, MakeKey, scopes_but

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
def test_something_that_is_no_key_is_refused(anonymous: TestClient, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1")}
    assert anonymous.get("/v1/jobs", headers=headers).status_code == 401


def test_a_key_with_a_changed_letter_is_refused(anonymous: TestClient, make_key: MakeKey) -> None:
    key = make_key()
    changed = key[:-8] + ("a" if key[-8] != "a" else "b") + key[-7:]
    for wrong in (changed, key[:-1], key + "a"):
        assert anonymous.get("/v1/jobs", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401


def test_a_revoked_key_is_refused(client: TestClient, database: sessionmaker[Session]) -> None:
    assert client.get("/v1/jobs").status_code == 200
    with database.begin() as session:
        session.execute(update(ApiKey).values(revoked_at=NOW))
    assert client.get("/v1/jobs").status_code == 401


def test_a_key_that_may_only_read_cannot_submit_or_cancel(client_of: ClientOf, jobs: Jobs) -> None:
    reader = client_of(scopes=scopes_but("jobs:write"))
    job_id = jobs.queued()
    assert reader.get(f"/v1/jobs/{job_id}").status_code == 200
    for answer in (reader.post("/v1/jobs", json=SMALLEST), reader.post(f"/v1/jobs/{job_id}/cancel")):
        assert answer.status_code == 403
        assert "jobs:write" in answer.json()["detail"]


def test_a_key_that_may_only_write_cannot_read(client_of: ClientOf) -> None:
    writer = client_of(scopes=scopes_but("jobs:read"))
    assert writer.get("/v1/jobs").status_code == 403
    assert writer.post("/v1/jobs", json=SMALLEST).status_code == 201


def test_another_owners_job_is_not_there(client_of: ClientOf, jobs: Jobs) -> None:
    job_id = jobs.queued("ada")
    eve = client_of("eve")
    assert eve.get("/v1/jobs").json()["items"] == []
    answers = [eve.get(path.format(id=job_id)) for path in READS if "{id}" in path]
    answers.append(eve.post(f"/v1/jobs/{job_id}/cancel"))
    answers.append(eve.get(f"/v1/jobs/{job_id}/artifacts/{job_id}/content"))
    assert {answer.status_code for answer in answers} == {404}
    assert client_of("ada").get(f"/v1/jobs/{job_id}").json()["state"] == "queued"
