"""The list of jobs and the page of a job: what is visible, and the buttons."""

import html
import io
import os
import re
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from api.page.base.format import describe_cut
from api.page.jobs.listing import without_common_directories
from api.schemas.files import loading_code
from jobs.database import Database
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.queries import Cut, models_containing
from jobs.settings import Settings
from jobs.storage.store import Store, attempt_prefix
from jobs.tables import Artifact, Job, JobAttempt
from tests.api.drive import ORIGIN, ClientOf, Jobs, scopes_but

MINUS, SPACE = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


def listed(page: str) -> list[str]:
    return re.findall(r'id="job-([0-9a-f-]+)"', page)


def test_the_search_finds_models_by_a_part_of_their_names_through_all_pages(
    client: TestClient, jobs: Jobs
) -> None:
    wanted = [jobs.queued(model=f"org/Big_{number % 3}") for number in range(7)]
    jobs.queued(model="org/big-other")
    jobs.queued("eve", model="org/Big_1")
    found: list[str] = []
    path = "/jobs?search=bIG_&limit=3"
    while path:
        html = client.get(path).text
        found += listed(html)
        path = "".join(re.findall(r'rel="next" href="([^"]+)"', html)).replace("&amp;", "&")
    assert found == [str(job_id) for job_id in reversed(wanted)]
    assert listed(client.get("/jobs?search=%25").text) == []


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (["org/a"], ["a"]),
        (["org/a", "org/b", "org/a"], ["a", "b", "a"]),
        (["org/a", "other/a"], ["org/a", "other/a"]),
        (["/srv/models/a/x", "/srv/models/b"], ["a/x", "b"]),
        (["/srv/models/x", "/srv/models/x/y"], ["x", "x/y"]),
        (["gpt2", "org/gpt2"], ["gpt2", "org/gpt2"]),
        ([], []),
    ],
)
def test_names_have_no_directories_that_all_of_them_share(models: list[str], names: list[str]) -> None:
    assert without_common_directories(models) == names


def test_the_list_shows_how_long_workers_have_had_a_job(client: TestClient, jobs: Jobs) -> None:
    jobs.queued()
    claim = jobs.running()
    jobs.succeed(claim)
    with jobs.database.begin() as session:
        session.execute(
            update(JobAttempt).values(started_at=JobAttempt.ended_at - timedelta(minutes=3, seconds=20))
        )
    times = re.findall(r'class="time number">(?:<span class="none">)?([^<]*)<', client.get("/jobs").text)
    assert times[-2:] == ["3 min 20 s", "\N{EN DASH}"]


def prunings(page: str) -> list[str]:
    """The column that says what jobs do to their models."""
    cells = re.findall(r'<td role="cell" class="pruning">(.*?)</td>', page)
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)).replace(SPACE, " ").strip() for cell in cells]


UNITS = [
    {"kind": "mlp_channels", "dense": 1536, "kept": 1152},
    {"kind": "kv_heads", "dense": 4, "kept": 2},
]


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        (Cut({"mlp_channels": 0.25, "kv_heads": 2}, None), f"MLP {MINUS}25 %, KV {MINUS}2"),
        (Cut({"mlp_channels": 384, "kv_heads": 0.5}, None), f"MLP {MINUS}384, KV {MINUS}50 %"),
        (Cut({"parameters": 0.3, "experts": None}, None), f"parameters {MINUS}30 %"),
        (Cut({"parameters": 0.3}, UNITS), f"MLP {MINUS}25 %, KV 4 → 2"),
        (Cut({"experts": 2}, [{"kind": "experts", "dense": 8, "kept": 6}]), "experts 8 → 6"),
    ],
)
def test_a_cut_is_written_as_it_was_asked_for_and_then_as_it_was_made(cut: Cut, words: str) -> None:
    assert describe_cut(cut).replace(SPACE, " ") == words


def cut_job(jobs: Jobs, **more: Any) -> UUID:
    claim = jobs.running(method=None, sparsity=0, structure={"mlp_channels": 0.25, "kv_heads": 2}, **more)
    sizes = {"parameters": 150, "dense_parameters": 200, "bytes": 300, "dense_bytes": 400, "left": ""}
    jobs.succeed(claim, structure={"units": UNITS, **sizes})
    return claim.job_id


def test_lists_zoo_and_job_show_the_name_and_the_request(client: TestClient, jobs: Jobs) -> None:
    queued = jobs.queued(method="wanda", pattern="2:4", sparsity=0.5, structure={"mlp_channels": 0.25})
    job_id = cut_job(jobs)
    jobs.queued(method=None, sparsity=0, norms=["l1"])
    with jobs.database.begin() as session:
        session.execute(update(Job).where(Job.id == job_id).values(name="for the edge"))
    page = client.get("/jobs").text
    words = f"MLP {MINUS}25 %, KV 4 → 2"
    assert prunings(page) == ["gradient norms", words, f"MLP {MINUS}25 %, wanda 2:4"]
    assert re.findall(r'id="job-[^>]+>([^<]+)</a>', page) == ["name", "for the edge", "name"]
    shown = client.get(f"/jobs/{job_id}").text
    assert "<h1>for the edge</h1>" in shown
    assert f"· {words}" in shown.replace(SPACE, " ")
    assert f"MLP {MINUS}25 %, wanda 2:4" in client.get(f"/jobs/{queued}").text.replace(SPACE, " ")
    slug = client.post("/v1/zoo", json={"job_id": str(job_id)}).json()["slug"]
    for path in ("/zoo", f"/zoo/{slug}", f"/compare?job={job_id}"):
        assert words in client.get(path).text.replace(SPACE, " "), path


def test_the_figures_of_a_smaller_model_have_its_size(client: TestClient, jobs: Jobs) -> None:
    text = html.unescape(client.get(f"/jobs/{cut_job(jobs)}").text)
    tile = text.partition("<dt>Size</dt>")[2].partition("</div>")[0]
    assert "300 B" in tile
    assert "of 400 B, 75 % of the parameters" in tile


def test_the_code_that_loads_a_model_names_its_class() -> None:
    code = loading_code("pruned", {"model": {"architecture": "Mistral3ForConditionalGeneration"}})
    assert 'model = Mistral3ForConditionalGeneration.from_pretrained("pruned")' in code
    compile(code, "load", "exec")


def test_a_finished_job_offers_its_files_together_and_one_by_one(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    files = [
        FinishedArtifact(name, f"k/{name}", 1_500_000, "ab" * 32) for name in ("a.safetensors", "b.json")
    ]
    jobs.succeed(claim, files)
    text = html.unescape(client.get(f"/jobs/{claim.job_id}").text)
    assert "3 MB in the store" in text
    assert text.count("ab" * 32) == 2
    assert f'href="/jobs/{claim.job_id}/files.tar" download>Download</a>' in text
    (code,) = re.findall(r'aria-label="Load with transformers">(.*?)</pre>', text, re.DOTALL)
    assert f'AutoModelForCausalLM.from_pretrained("pruned-{claim.job_id.hex[-8:]}")' in code
    compile(code, "load", "exec")
    with jobs.database.begin() as session:
        session.query(Artifact).delete()
        session.execute(update(Job).values(artifacts_expired_at=datetime(2026, 1, 2, tzinfo=UTC)))
    assert "Its files were deleted on" in client.get(f"/jobs/{claim.job_id}").text
    assert client.get(f"/jobs/{claim.job_id}/files.tar").status_code == 410


def stored(
    settings: Settings, job_id: UUID, path: Path, contents: dict[str, bytes]
) -> list[FinishedArtifact]:
    """Put files into the store, the masks compressed."""
    files = []
    for name, content in contents.items():
        path.write_bytes(content)
        key = f"{attempt_prefix(job_id, 1)}/{name}"
        put = Store(settings.store_url).put_file(key, path, compress=name.startswith("masks"))
        files.append(FinishedArtifact(name, put.key, put.size, put.sha256, put.stored_size))
    return files


def test_the_archive_has_every_file_as_it_was(
    client_of: ClientOf, jobs: Jobs, settings: Settings, tmp_path: Path
) -> None:
    contents = {
        "masks.safetensors": b"01 " * 1_000_000,
        "model.safetensors": os.urandom(6_000_001),
        "nested/" + "long" * 40 + ".json": b"{}",
        "empty.txt": b"",
        "of a block": bytes(512),
    }
    claim = jobs.running()
    files = stored(settings, claim.job_id, tmp_path / "file", contents)
    assert {file.stored_size is None for file in files} == {True, False}
    jobs.succeed(claim, files)
    client = client_of(scopes=scopes_but("admin"))
    answer = client.get(f"/jobs/{claim.job_id}/files.tar")
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    folder = f"pruned-{claim.job_id.hex[-8:]}"
    assert f'filename="{folder}.tar"' in answer.headers["Content-Disposition"]
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        read = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]
    assert read == {f"{folder}/{name}": content for name, content in contents.items()}
    assert client_of("eve").get(f"/jobs/{claim.job_id}/files.tar").status_code == 404
    assert client.get(f"/jobs/{jobs.queued()}/files.tar").status_code == 404


def test_an_archive_of_files_that_the_store_has_lost_is_not_found(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim, [FinishedArtifact("model.safetensors", "k/gone", 10, "ab" * 32)])
    answer = client.get(f"/jobs/{claim.job_id}/files.tar")
    assert answer.status_code == 404
    assert "no longer in the store" in answer.text


def test_a_cut_and_trained_model_is_labelled_as_trained(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running(structure={"mlp_channels": 0.25}, recovery={"distil": True})
    sizes = {"parameters": 150, "dense_parameters": 200, "bytes": 300, "dense_bytes": 400}
    left = {"units": UNITS[:1], **sizes}
    jobs.succeed(claim, structure=left, recovery={"is_trained": True, "distil": {}})
    assert "All weights were trained after the cut" in client.get(f"/jobs/{claim.job_id}").text


def test_of_many_models_the_search_takes_the_first_by_name(jobs: Jobs, database: Database) -> None:
    for name in ("org/c", "org/a", "org/b", "org/a"):
        jobs.queued(model=name)
    with database.begin() as session:
        assert models_containing(session, "ada", "ORG", limit=2) == ["org/a", "org/b"]
        assert models_containing(session, "nobody", "", limit=9) == []


def test_an_admin_sees_the_jobs_of_another_owner(client_of: ClientOf, jobs: Jobs) -> None:
    claim = jobs.running("eve")
    jobs.succeed(claim)
    paths = [
        "/jobs?owner=eve",
        f"/jobs/{claim.job_id}?owner=eve",
        f"/jobs/{claim.job_id}/picture.svg?owner=eve",
        f"/jobs/{claim.job_id}/stream?owner=eve",
    ]
    admin = client_of()
    assert [admin.get(path).status_code for path in paths] == [200] * len(paths)
    assert listed(admin.get("/jobs?owner=eve").text) == [str(claim.job_id)]
    assert f"/jobs/{claim.job_id}?owner=eve" in admin.get("/jobs?owner=eve").text
    assert listed(admin.get("/jobs").text) == []


def test_a_failed_job_is_retried_by_its_button(client: TestClient, jobs: Jobs) -> None:
    failed = jobs.running()
    jobs.fail(failed, "it died")
    for _ in range(2):
        answer = client.post(f"/jobs/{failed.job_id}/retry", headers=ORIGIN)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/jobs/{failed.job_id}")
    assert client.get(f"/v1/jobs/{failed.job_id}").json()["state"] == "queued"
    assert client.post(f"/jobs/{uuid4()}/retry", headers=ORIGIN).status_code == 404
