"""The page of what is stored, compared with what REST says of the same owner."""

import html
import re

from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from api.page.base.format import FILTERS
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.tables import AuditRecord
from tests.api.drive import ClientOf, Jobs, scopes_but

ORIGIN = {"Origin": "http://testserver"}
NORMS = {"method": None, "sparsity": 0, "norms": ["l1"]}


def succeeded(jobs: Jobs, size: int, owner: str = "ada", **recipe: object) -> str:
    claim = jobs.running(owner, **recipe)
    name = "gradient_norms.safetensors" if "norms" in recipe else "model.safetensors"
    jobs.succeed(claim, [FinishedArtifact(name, f"jobs/{claim.job_id}/{name}", size, f"{size:064d}")])
    return str(claim.job_id)


def upload(client: TestClient, text: str) -> str:
    answer = client.post("/v1/uploads?name=mine", content=text, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201
    return str(answer.json()["id"])


def sizes(page: str) -> list[str]:
    return re.findall(r'<td class="number">([^<]*)</td>', page.partition("</section>")[0])


def test_the_sums_are_those_of_rest(client: TestClient, jobs: Jobs) -> None:
    succeeded(jobs, 3_000_000)
    succeeded(jobs, 5_000_000, **NORMS)
    upload(client, "some text")
    use = client.get("/v1/storage").json()
    assert (use["artifact_bytes"], use["gradient_bytes"], use["upload_bytes"]) == (3_000_000, 5_000_000, 9)
    assert use["total_bytes"] == 8_000_009
    names = [
        *("artifact_bytes", "", "gradient_bytes", "quota_bytes", "upload_bytes"),
        *("quota_bytes", "unfinished_bytes", "", "cache_bytes", ""),
    ]
    page = html.unescape(client.get("/storage").text)
    assert sizes(page) == [FILTERS["size"](use[name]) if name else "" for name in names]
    assert f"{FILTERS['size'](8_000_009)} in the store" in page


def test_jobs_norms_and_uploads_are_deleted_there(client: TestClient, jobs: Jobs) -> None:
    job, norms = succeeded(jobs, 30), succeeded(jobs, 50, **NORMS)
    text = upload(client, "some text")
    page = client.get("/storage").text
    paths = [f"/storage/jobs/{job}/delete", f"/storage/gradients/{norms}/delete"]
    paths.append(f"/storage/uploads/{text}/delete")
    assert sorted(re.findall(r'action="(/storage/[^"]+)"', page)) == sorted(paths)
    for path in paths:
        answer = client.post(path, headers=ORIGIN)
        assert (answer.status_code, answer.headers["location"]) == (303, "/storage")
        assert client.post(path, headers=ORIGIN).status_code == 404
    assert client.get("/v1/storage").json()["total_bytes"] == 0
    page = client.get("/storage").text
    for nothing in ("No job has files", "No gradient norms are kept", "No uploads"):
        assert nothing in page


def test_what_is_needed_stays_and_the_page_says_why(client: TestClient, jobs: Jobs) -> None:
    job = succeeded(jobs, 30)
    assert client.post("/v1/zoo", json={"job": job, "note": ""}).status_code == 201
    refused = client.post(f"/storage/jobs/{job}/delete", headers=ORIGIN)
    assert refused.status_code == 409
    assert "Withdraw it there first" in refused.text
    assert client.get(f"/v1/jobs/{job}").status_code == 200


def test_a_stranger_and_a_reader_can_delete_nothing(client_of: ClientOf, jobs: Jobs) -> None:
    client = client_of()
    mine = {"jobs": succeeded(jobs, 30), "gradients": succeeded(jobs, 50, **NORMS)}
    mine["uploads"] = upload(client, "some text")
    stranger, reader = client_of("eve"), client_of(scopes=scopes_but("jobs:write"))
    for kind, found in mine.items():
        path = f"/storage/{kind}/{found}/delete"
        assert stranger.post(path, headers=ORIGIN).status_code == 404
        assert reader.post(path, headers=ORIGIN).status_code == 403
        assert client_of("eve", scopes_but("admin")).get("/storage?owner=ada").status_code == 403
    page = reader.get("/storage").text
    assert mine["jobs"] in page
    assert 'action="/storage' not in page
    assert mine["jobs"] not in stranger.get("/storage").text
    assert client.get("/v1/storage").json()["total_bytes"] == 89


def test_an_admin_sees_all_owners_and_looks_at_one(
    client_of: ClientOf, jobs: Jobs, database: sessionmaker[Session]
) -> None:
    job = succeeded(jobs, 30)
    succeeded(jobs, 70, "eve")
    admin, other = client_of("root"), client_of("eve", scopes_but("admin"))
    owners = r'href="/storage\?owner=(\w+)"'
    assert re.findall(owners, admin.get("/storage").text) == ["eve", "ada"]
    assert re.findall(owners, other.get("/storage").text) == []
    page = admin.get("/storage?owner=ada").text
    assert "Storage of ada" in page
    assert f'action="/storage/jobs/{job}/delete?owner=ada"' in page
    answer = admin.post(f"/storage/jobs/{job}/delete?owner=ada", headers=ORIGIN)
    assert (answer.status_code, answer.headers["location"]) == (303, "/storage?owner=ada")
    with database.begin() as session:
        told = session.execute(
            select(AuditRecord.action, AuditRecord.subject, AuditRecord.subject_owner).order_by(
                AuditRecord.id
            )
        ).all()
    assert [tuple(each) for each in told if each.action.startswith("others.")] == [
        ("others.read", "GET /storage", None),
        ("others.read", "GET /storage", "ada"),
        ("others.changed", f"POST /storage/jobs/{job}/delete", "ada"),
    ]
