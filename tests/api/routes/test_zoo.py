"""The zoo shows promoted jobs to every owner, and nothing else of theirs."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from jobs.lifecycle import lifecycle
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.settings import Settings
from jobs.storage.store import Store
from pruneserve_client.models import Report
from tests.api.drive import ORIGIN, ClientOf, Jobs, scopes_but
from tests.report_document import report_document

CONTENT = b"not really a tensor"

Finish = Callable[..., UUID]


@pytest.fixture
def finished(jobs: Jobs, settings: Settings, tmp_path: Path) -> Finish:
    """Makes a job that has succeeded, with one real file."""

    def finish(owner: str = "ada", **recipe: object) -> UUID:
        claim = jobs.running(owner, **recipe)
        key = f"jobs/{claim.job_id}/model.safetensors"
        (tmp_path / "file").write_bytes(CONTENT)
        stored = Store(settings.store_url).put_file(key, tmp_path / "file")
        jobs.succeed(claim, [FinishedArtifact("model.safetensors", key, stored.size, stored.sha256)])
        return claim.job_id

    return finish


def promote(client: TestClient, job_id: UUID, note: str = "") -> dict[str, Any]:
    answer = client.post("/v1/zoo", json={"job_id": str(job_id), "note": note})
    assert answer.status_code == 201, answer.text
    entry: dict[str, Any] = answer.json()
    return entry


def test_an_entry_is_seen_and_downloaded_by_others_until_it_is_withdrawn(
    client_of: ClientOf, finished: Finish
) -> None:
    ada, eve = client_of("ada", scopes_but("admin")), client_of("eve", scopes_but("admin"))
    job_id = finished(model="org/Big_Model-1B")
    entry = promote(ada, job_id, "for\r\nchat")
    assert re.fullmatch(rf"big-model-1b-gblm-50-{job_id.hex[-8:]}", entry["slug"])
    assert entry["note"] == "for\nchat"
    seen = eve.get(entry["url"]).json()
    assert seen == entry
    assert seen["perplexity"] == {"dense": 26.8, "pruned": 63.1, "interval": None}
    assert seen["lineage"]["job_id"] == str(job_id)
    fingerprint = ada.get(f"/v1/jobs/{job_id}").json()["recipe_fingerprint"]
    assert seen["lineage"]["recipe_fingerprint"] == fingerprint
    (file,) = seen["files"]
    assert eve.get(file["url"]).content == CONTENT
    assert file["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    # The job itself stays its owner's.
    assert eve.get(f"/v1/jobs/{job_id}").status_code == 404
    assert eve.delete(entry["url"]).status_code == 404
    assert ada.delete(entry["url"]).status_code == 204
    assert [eve.get(path).status_code for path in (entry["url"], file["url"], entry["page"])] == [404] * 3
    assert eve.get("/v1/zoo").json() == {"items": [], "next_cursor": None}
    assert ada.get(f"/v1/jobs/{job_id}").json()["state"] == "succeeded"


@pytest.mark.threat
def test_no_file_of_an_entry_names_a_path_or_an_upload(
    client_of: ClientOf, jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    ada = client_of("ada")
    ada.post("/v1/uploads?name=x", content=CONTENT, headers={"Content-Type": "text/plain"})
    digest, model = hashlib.sha256(CONTENT).hexdigest(), "/srv/models/secret/place"
    upload = f"sha256:{digest}.txt"
    claim = jobs.running(
        model=model,
        calibration={"datasets": [{"dataset": upload}, {"dataset": "/srv/data/inner/text.jsonl"}]},
        gradients="/srv/data/inner/g.safetensors",
    )
    fingerprint = claim.spec.recipe.fingerprint()
    report = {
        "recipe_fingerprint": fingerprint,
        "model": {"id": model, "digest": "ab" * 32},
        "recipe": {"gradients": "/srv/data/inner/g.safetensors", "method": "gblm"},
        "calibration": {"sets": [{"dataset": upload}, {"dataset": "/srv/data/inner/text.jsonl"}]},
        "perplexity": {"dense": 26.8, "pruned": 63.1, "dataset": upload, "window_losses": [3.25, 4.75]},
        "domains": {"own": {"dense": 2.0, "pruned": 3.0, "dataset": upload}},
        "sparsity": {"overall": 0.5, "layers": []},
        "warnings": [f"{model}/config.json is odd", f"{digest} is short"],
    }
    (tmp_path / "report").write_text(json.dumps(report))
    key = f"jobs/{claim.job_id}/pruning_report.json"
    stored = Store(settings.store_url).put_file(key, tmp_path / "report")
    with jobs.database.begin() as session:
        artifacts = [FinishedArtifact("pruning_report.json", key, stored.size, stored.sha256)]
        assert lifecycle.succeed(session, claim, report, artifacts)
    entry = promote(ada, claim.job_id)
    eve = client_of("eve", scopes_but("admin"))
    (file,) = entry["files"]
    served = eve.get(file["url"])
    page = eve.get(entry["page"])  # without a picture
    assert (page.status_code, "picture.svg" in page.text) == (200, False)
    seen = [served.text, eve.get(entry["url"]).text, page.text]
    secrets = ("/srv", "secret", "inner", digest, fingerprint)
    assert [secret for secret in secrets if secret in "".join(seen)] == []
    assert (file["size"], file["sha256"]) == (len(served.content), hashlib.sha256(served.content).hexdigest())
    assert eve.get(file["url"], headers={"If-None-Match": served.headers["ETag"]}).status_code == 304
    shown = served.json()
    assert shown["model"] == {"id": "place", "digest": "ab" * 32}
    assert shown["calibration"]["sets"] == [{"dataset": "an uploaded text"}, {"dataset": "text.jsonl"}]
    assert shown["warnings"] == ["place/config.json is odd", "an uploaded text is short"]
    assert shown["sparsity"] == report["sparsity"]
    # With the model at hand, the text could be guessed from the loss of each window.
    assert "window_losses" not in shown["perplexity"]


def test_a_client_reads_a_public_report_as_any_other(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running(model="/srv/models/place")
    report = report_document(recipe=claim.spec.recipe.model_dump(mode="json"))
    with jobs.database.begin() as session:
        artifacts = [FinishedArtifact("pruning_report.json", "jobs/x", 10, "00" * 32)]
        assert lifecycle.succeed(session, claim, report, artifacts)
    (file,) = promote(client, claim.job_id)["files"]
    read = Report.model_validate_json(client.get(file["url"]).content)
    assert (read.recipe.model.id, read.recipe_fingerprint) == ("place", None)


def test_an_entry_is_made_once_and_keeps_its_address(client: TestClient, finished: Finish) -> None:
    job_id = finished()
    first, second = promote(client, job_id, "one"), promote(client, job_id, "two")
    assert first["slug"] == second["slug"]
    assert [item["note"] for item in client.get("/v1/zoo").json()["items"]] == ["two"]
    client.delete(first["url"])
    assert promote(client, job_id)["slug"] == first["slug"]


def test_only_own_succeeded_jobs_can_be_promoted(client_of: ClientOf, finished: Finish, jobs: Jobs) -> None:
    client = client_of("ada", scopes_but("admin"))
    reader = client_of("ada", scopes_but("jobs:write"))
    theirs, queued, mine = finished("eve"), jobs.queued(), finished()

    def ask(of: TestClient, job_id: UUID) -> int:
        return of.post("/v1/zoo", json={"job_id": str(job_id)}).status_code

    assert [ask(client, theirs), ask(client, queued), ask(reader, mine)] == [404, 409, 403]
    for job_id, status in ((theirs, 404), (queued, 409)):
        assert client.post(f"/jobs/{job_id}/promote", headers=ORIGIN).status_code == status
    for note in ("x" * 2001, "a\x00b", "a\x1bb"):
        assert client.post("/v1/zoo", json={"job_id": str(mine), "note": note}).status_code == 422


def test_the_scope_admin_withdraws_any_entry(client_of: ClientOf, finished: Finish) -> None:
    entry = promote(client_of("ada"), finished())
    assert client_of("root").delete(entry["url"]).status_code == 204


def test_the_catalogue_is_filtered_and_paged(client: TestClient, finished: Finish) -> None:
    slugs = [
        promote(client, finished(model=model, **how))["slug"]
        for model, how in (
            ("org/alpha", {}),
            ("org/alpha-2", {"method": "wanda"}),
            ("org/beta", {"pattern": "2:4"}),
        )
    ]

    def found(query: str) -> list[str]:
        return [item["slug"] for item in client.get(f"/v1/zoo?{query}").json()["items"]]

    assert found("") == slugs[::-1]
    assert found("search=ALPHA") == [slugs[1], slugs[0]]
    assert found("search=%25") == []
    assert found("method=wanda") == [slugs[1]]
    assert found("pattern=2:4") == [slugs[2]]
    first = client.get("/v1/zoo?limit=2").json()
    assert found(f"limit=2&cursor={first['next_cursor']}") == [slugs[0]]
    assert client.get("/zoo?search=&method=&pattern=").status_code == 200
    assert client.get("/v1/zoo?method=magic").status_code == 422


@pytest.mark.threat
def test_no_search_spells_out_the_path_of_anothers_model(client_of: ClientOf, finished: Finish) -> None:
    entry = promote(client_of("ada"), finished(model="/srv/secret/place"))
    eve = client_of("eve", scopes_but("admin"))

    def found(text: str) -> list[str]:
        return [item["slug"] for item in eve.get("/v1/zoo", params={"search": text}).json()["items"]]

    assert found("PLACE") == found("lac") == [entry["slug"]]
    assert found("/") == found("secret") == found("t/place") == []
    assert entry["slug"] not in eve.get("/zoo?search=secret").text


def test_the_pages_show_an_entry_without_a_path_of_the_machine(client_of: ClientOf, finished: Finish) -> None:
    ada, eve = client_of("ada"), client_of("eve", scopes_but("admin"))
    job_id = finished(model="/srv/models/secret/place")
    asked = ada.get(f"/jobs/{job_id}").text
    assert "Everyone with a key for this service" in asked
    answer = ada.post(f"/jobs/{job_id}/promote", data={"note": "<b>bold</b>"}, headers=ORIGIN)
    path = answer.headers["Location"]
    assert "See it in the zoo" in ada.get(f"/jobs/{job_id}").text
    for page in ("/zoo", path):
        html = eve.get(page).text
        assert "place" in html
        assert "/srv/models" not in html
        assert "&lt;b&gt;bold" in html
    assert "Withdraw" not in eve.get(path).text
    assert "<dd>gblm, norm l1, alpha 100," in eve.get(path).text
    assert eve.get(f"{path}/picture.svg").headers["Content-Type"] == "image/svg+xml"
    assert eve.post(f"{path}/withdraw", headers=ORIGIN).status_code == 404
    assert ada.post(f"{path}/withdraw", headers=ORIGIN).headers["Location"] == "/zoo"
