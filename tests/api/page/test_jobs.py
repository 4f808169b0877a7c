"""The list of jobs and the page of a job: what is visible, and the buttons."""

import html
import json
import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from api.page.jobs.listing import without_common_directories
from api.page.jobs.timeline import timeline
from api.page.submit.commands import curl, request_body, run
from api.schemas.jobs.requests import JobRequest
from jobs.lifecycle.events import Event, StageFinished, StageStarted
from jobs.lifecycle.lifecycle import FinishedArtifact
from jobs.queries.models import models_containing
from jobs.tables import Artifact, Job, JobAttempt
from pruning.recipe import Stage
from tests.api.drive import SMALLEST, ClientOf, Jobs, scopes_but

ORIGIN = {"Origin": "http://testserver"}


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


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("sparsity", [0.3, 0.5, 0.7]),
        ("-sparsity", [0.7, 0.5, 0.3]),
        ("perplexity", [0.7, 0.3, 0.5]),
        ("-perplexity", [0.3, 0.7, 0.5]),
        (None, [0.7, 0.5, 0.3]),
    ],
)
def test_the_list_is_sorted_with_jobs_without_a_value_last(
    client: TestClient, jobs: Jobs, sort: str | None, order: list[float]
) -> None:
    ids = {}
    for sparsity, perplexity in ((0.3, 60.0), (0.5, None), (0.7, 50.0)):
        claim = jobs.running(sparsity=sparsity)
        ids[sparsity] = str(claim.job_id)
        if perplexity:
            jobs.succeed(claim, pruned=perplexity)
    with jobs.database.begin() as session:
        session.execute(update(Job).values(measured_sparsity=None))
    page = client.get("/jobs", params={"sort": sort} if sort else {}).text
    assert listed(page) == [ids[sparsity] for sparsity in order]
    one_by_one, following_page = [], f"/jobs?limit=1{f'&sort={sort}' if sort else ''}"
    while following_page:
        one = client.get(following_page).text
        one_by_one += listed(one)
        following_page = html.unescape((re.findall(r'rel="next" href="([^"]+)"', one) or [""])[0])
    assert one_by_one == listed(page)
    ordered = {None: "none", "-": "descending"}.get(sort and sort[0], "ascending")
    column = (sort or "sparsity").removeprefix("-")
    (direction, following) = re.findall(
        rf'class="{column} number" aria-sort="(\w+)"><a href="([^"]+)"', page
    )[0]
    assert direction == ordered
    expected = {"none": column, "ascending": f"-{column}", "descending": None}[ordered]
    assert following == ("/jobs?" if expected is None else f"/jobs?sort={expected}")
    assert client.get("/jobs?sort=owner").status_code == 422


def test_a_finished_job_says_how_to_download_and_load_its_files(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    files = [
        FinishedArtifact(name, f"k/{name}", 1_500_000, "ab" * 32) for name in ("a.safetensors", "b.json")
    ]
    jobs.succeed(claim, files)
    text = html.unescape(client.get(f"/jobs/{claim.job_id}").text)
    assert "3 MB in the store" in text
    assert text.count("ab" * 32) == 2
    code, command = re.findall(
        r'<pre tabindex="0" aria-label="(?:Download all|Load[^"]*)">(.*?)</pre>', text, re.DOTALL
    )
    folder = command.rpartition(" ")[2]
    assert command == f"PRUNESERVE_URL=http://testserver pruneserve download {claim.job_id} --output {folder}"
    assert f'AutoModelForCausalLM.from_pretrained("{folder}")' in code
    compile(code, "load", "exec")
    with jobs.database.begin() as session:
        session.query(Artifact).delete()
        session.execute(update(Job).values(artifacts_expired_at=datetime(2026, 1, 2, tzinfo=UTC)))
    assert "Its files were deleted on" in client.get(f"/jobs/{claim.job_id}").text


def test_a_smaller_model_says_what_is_left_of_it(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running(structure={"blocks": 2})
    left = "28 of 30 blocks; 3 of 4 KV groups in each"
    jobs.succeed(claim, structure={"parameters": 1_500_000, "dense_parameters": 2_000_000, "left": left})
    text = html.unescape(client.get(f"/jobs/{claim.job_id}").text)
    assert f": {left}" in text
    assert "75" in text.partition(left)[0].rpartition("<dd")[2]


def test_a_trained_result_says_that_it_is_no_one_shot_result(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running(recovery={"distil": True})
    jobs.succeed(claim, recovery={"is_trained": True, "distil": None})
    assert "this is no one-shot result" in client.get(f"/jobs/{claim.job_id}").text


def test_what_a_cut_has_left_is_said_to_be_trained(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running(structure={"mlp_channels": 0.25}, recovery={"distil": True})
    left = {"parameters": 1_500_000, "dense_parameters": 2_000_000, "left": "48 of 64 MLP channels"}
    jobs.succeed(claim, structure=left, recovery={"is_trained": True, "distil": None})
    assert "All weights were trained after the cut" in client.get(f"/jobs/{claim.job_id}").text


def test_of_many_models_the_search_takes_the_first_by_name(
    jobs: Jobs, database: sessionmaker[Session]
) -> None:
    for name in ("org/c", "org/a", "org/b", "org/a"):
        jobs.queued(model=name)
    with database.begin() as session:
        assert models_containing(session, "ada", "ORG", limit=2) == ["org/a", "org/b"]
        assert models_containing(session, "nobody", "", limit=9) == []


def test_another_owners_jobs_need_the_scope_admin(client_of: ClientOf, jobs: Jobs) -> None:
    claim = jobs.running("eve")
    jobs.succeed(claim)
    paths = [
        "/jobs?owner=eve",
        f"/jobs/{claim.job_id}?owner=eve",
        f"/jobs/{claim.job_id}/plots/sparsity.svg?owner=eve",
        f"/jobs/{claim.job_id}/stream?owner=eve",
        f"/jobs/bulk?action=retry&job={claim.job_id}&owner=eve",
    ]
    everybody, admin = client_of(scopes=scopes_but("admin")), client_of()
    assert [everybody.get(path).status_code for path in paths] == [403] * len(paths)
    assert [admin.get(path).status_code for path in paths] == [200] * len(paths)
    assert listed(admin.get("/jobs?owner=eve").text) == [str(claim.job_id)]
    assert f"/jobs/{claim.job_id}?owner=eve" in admin.get("/jobs?owner=eve").text
    assert listed(admin.get("/jobs").text) == []


def test_several_jobs_are_cancelled_or_retried_after_a_confirmation(client: TestClient, jobs: Jobs) -> None:
    queued, other, theirs = jobs.queued(), jobs.queued(), jobs.queued("eve")
    failed = jobs.running()
    jobs.fail(failed, "no")
    chosen = [str(job_id) for job_id in (queued, theirs, failed.job_id)]

    def states() -> list[str]:
        return [client.get(f"/v1/jobs/{job_id}").json()["state"] for job_id in (queued, other, failed.job_id)]

    question = client.get("/jobs/bulk", params={"action": "cancel", "job": chosen}).text
    assert re.findall(r'name="job" value="([^"]+)"', question) == [str(queued)]
    assert states() == ["queued", "queued", "failed"]
    for action, expected in (("cancel", ["cancelled", "queued", "failed"]), ("retry", ["queued"] * 3)):
        answer = client.post("/jobs/bulk", data={"action": action, "job": chosen}, headers=ORIGIN)
        assert answer.status_code == 303
        assert states() == expected
    assert "Nothing to retry" in client.get("/jobs/bulk?action=retry").text
    with jobs.database.begin() as session:
        assert session.get_one(Job, theirs).last_event == 1


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_bulk_request_is_bounded_and_needs_the_write_scope(
    client_of: ClientOf, jobs: Jobs, method: str
) -> None:
    def ask(client: TestClient, job_ids: list[str]) -> int:
        fields: dict[str, Any] = {"action": "cancel", "job": job_ids}
        sent = {"params": fields} if method == "get" else {"data": fields, "headers": ORIGIN}
        return client.request(method, "/jobs/bulk", **sent).status_code  # type: ignore[arg-type]

    assert ask(client_of(), [str(uuid4()) for _ in range(201)]) == 422
    assert ask(client_of(scopes=scopes_but("jobs:write")), [str(jobs.queued())]) == 403


def test_a_failed_job_shows_advice_and_a_retry_button(client: TestClient, jobs: Jobs) -> None:
    failed = jobs.running()
    jobs.fail(failed, "it died")
    assert f'action="/jobs/{failed.job_id}/retry"' in client.get(f"/jobs/{failed.job_id}").text
    for _ in range(2):
        answer = client.post(f"/jobs/{failed.job_id}/retry", headers=ORIGIN)
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/jobs/{failed.job_id}")
    assert client.get(f"/v1/jobs/{failed.job_id}").json()["state"] == "queued"
    assert client.post(f"/jobs/{uuid4()}/retry", headers=ORIGIN).status_code == 404


REQUESTS: list[dict[str, Any]] = [
    SMALLEST,
    SMALLEST | {"model": {"id": "org/name", "revision": "v1"}, "labels": {"its": "'$(touch x) `y`\\"}},
    SMALLEST | {"method": {"name": "gblm", "norm": "l2", "alpha": 3.0}, "save_masks": True},
    {"model": "org/name", "method": "magnitude", "pattern": "2:4"},
    SMALLEST | {"allocation": {"name": "owl", "band": 0.1}, "layers": {"include": ["*.mlp.*"]}},
    SMALLEST
    | {
        "calibration": {
            "datasets": [{"dataset": "c4", "weight": 2.0}, {"dataset": "/d/it's.txt"}],
            "seed": 7,
        },
        "evaluation": {"dataset": "c4", "sequence_length": 64, "tasks": ["piqa"]},
        "gate": {"max_perplexity": 9.0, "min_zero_shot": {"piqa": 0.7}},
        "refit": {"iterations": 3},
        "dtype": "bfloat16",
    },
]


@pytest.mark.parametrize("asked", REQUESTS)
def test_a_copied_command_submits_the_same_job_from_a_real_shell(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    wanted = JobRequest.model_validate_json(json.dumps(asked))
    body = request_body(wanted.spec(), {"labels": wanted.labels, "priority": wanted.priority})
    for name, script in (("curl", 'printf %s "${@: -1}"'), ("pruneserve", "cat")):
        (tmp_path / name).write_text(f"#!/bin/bash\n{script}\n")
        (tmp_path / name).chmod(0o755)
    for command in (curl(body, "http://here"), run(body, "http://here")):
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command], env=environment, cwd=tmp_path, capture_output=True, check=True
        )
        assert JobRequest.model_validate_json(done.stdout) == wanted
    assert {path.name for path in tmp_path.iterdir()} == {"curl", "pruneserve"}


def test_the_shortest_request_stays_short() -> None:
    assert request_body(JobRequest.model_validate(SMALLEST).spec(), {}) == SMALLEST


def test_stages_are_placed_on_the_timeline_by_their_events() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def event(second: int, data: StageStarted | StageFinished) -> Event:
        return Event(id=1, at=start + timedelta(seconds=second), data=data)

    def begun(attempt: int, stage: Stage) -> StageStarted:
        return StageStarted(attempt=attempt, stage=stage, steps=1)

    def finished(attempt: int, stage: Stage) -> StageFinished:
        return StageFinished(attempt=attempt, stage=stage, seconds=1.0, peak_memory_bytes=1)

    def attempt(number: int, begin: int, end: int) -> JobAttempt:
        started, ended = start + timedelta(seconds=begin), start + timedelta(seconds=end)
        return JobAttempt(attempt=number, started_at=started, ended_at=ended)

    events = [
        event(0, begun(1, Stage.RESOLVE)),
        event(10, finished(1, Stage.RESOLVE)),
        event(10, begun(1, Stage.GRADIENTS)),
        event(100, begun(2, Stage.GRADIENTS)),
        event(180, finished(2, Stage.GRADIENTS)),
    ]
    first, second = timeline([attempt(1, 0, 50), attempt(2, 100, 200)], events)
    # The longer attempt is the scale of both: 100 seconds.
    assert [(span.stage, span.offset, span.width, span.finished) for span in first.spans] == [
        ("resolve", 0.0, 0.1, True),
        ("gradients", 0.1, 0.4, False),
    ]
    assert [(span.seconds, span.offset, span.width) for span in second.spans] == [(80.0, 0.0, 0.8)]
