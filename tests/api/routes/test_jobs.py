from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from tests.api.drive import SMALLEST, ClientOf, Jobs, pages_of
from tests.claims import take


def pages(client: TestClient, **query: object) -> list[list[str]]:
    """The ids on every page, from the first to the last."""
    return [[job["id"] for job in page] for page in pages_of(client, "/v1/jobs", **query)]


def test_pages_give_every_job_once_and_newest_first(client: TestClient, jobs: Jobs) -> None:
    made = [str(jobs.queued()) for _ in range(7)][::-1]
    jobs.queued("eve")
    assert pages(client, limit=3) == [made[:3], made[3:6], made[6:]]
    assert pages(client, limit=7) == [made]


def test_a_job_submitted_while_paging_shifts_no_page(client: TestClient, jobs: Jobs) -> None:
    made = [str(jobs.queued()) for _ in range(4)][::-1]
    first = client.get("/v1/jobs", params={"limit": 2}).json()
    jobs.queued()
    second = client.get("/v1/jobs", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [job["id"] for job in second["items"]] == made[2:]


def test_filters_narrow_the_list_together(client: TestClient, jobs: Jobs) -> None:
    queued = str(jobs.queued(method="wanda"))
    running = str(jobs.running(method="wanda").job_id)
    jobs.queued(method="gblm")
    other = str(jobs.queued(method="wanda", model="org/other"))
    assert pages(client, method="wanda") == [[other, running, queued]]
    assert pages(client, method="wanda", state="queued") == [[other, queued]]
    assert pages(client, method="wanda", state=["queued", "running"], model="org/name") == [[running, queued]]
    assert pages(client, state="failed") == [[]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "1" * 400}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"state": "done"}, "state.0"),
        ({"method": "magic"}, "method"),
        ({"model": "\x00"}, "model"),
        ({"model": "x" * 2000}, "model"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")}, "cursor"),
        ({"sort": "oldest"}, "sort"),
        ({"gate": "open"}, "gate"),
        ({"label": "name"}, "label.0"),
        ({"label": "name=\x00"}, "label.0"),
        ({"label": ["a=b"] * 5}, "label"),
    ],
)
def test_a_bad_query_is_named(client: TestClient, query: dict[str, Any], field: str) -> None:
    answer = client.get("/v1/jobs", params=query)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize("path", ["/v1/jobs/{}", "/v1/jobs/{}/events", "/v1/jobs/{}/artifacts"])
def test_a_job_that_is_not_there_is_a_404_and_an_id_that_is_none_a_422(client: TestClient, path: str) -> None:
    assert client.get(path.format(uuid4())).status_code == 404
    for nonsense in ("1", "%00", "%ff", "x" * 500):
        assert client.get(path.format(nonsense)).status_code == 422


def test_a_running_job_shows_its_progress(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.progress(claim, "prune", 3, 30)
    job = client.get(f"/v1/jobs/{claim.job_id}").json()
    assert job["progress"] == {"stage": "prune", "step": 3, "steps": 30, "seconds_left": 60.0}
    assert job["running_at"] >= job["queued_at"]
    assert [attempt["attempt"] for attempt in job["attempts"]] == [1]


def test_a_succeeded_job_shows_its_perplexities_and_its_report(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    job = client.get(f"/v1/jobs/{claim.job_id}").json()
    assert job["perplexity"] == {"dense": 26.8, "pruned": 63.1, "interval": None}
    assert job["report"]["sparsity"]["overall"] == 0.5
    assert job["attempts"][0]["outcome"] == "succeeded"
    assert "report" not in client.get("/v1/jobs").json()["items"][0]


def test_a_perplexity_that_is_not_finite_is_null(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim, pruned=None)
    perplexity = {"dense": 26.8, "pruned": None, "interval": None}
    assert client.get(f"/v1/jobs/{claim.job_id}").json()["perplexity"] == perplexity


def test_a_failed_job_has_advice(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.fail(claim, "has pickles only; convert it to safetensors")
    job = client.get(f"/v1/jobs/{claim.job_id}").json()
    assert job["error"] == {
        "type": "invalid_input",
        "message": "has pickles only; convert it to safetensors",
        "field": "model.id",
        "cause": "request",
    }


def test_a_queued_job_is_cancelled_at_once(client: TestClient, jobs: Jobs) -> None:
    job_id = jobs.queued()
    answer = client.post(f"/v1/jobs/{job_id}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")


def test_a_running_job_is_asked_to_stop(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    for _ in range(2):
        answer = client.post(f"/v1/jobs/{claim.job_id}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")


def test_an_ended_job_cannot_be_cancelled(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    jobs.succeed(claim)
    answer = client.post(f"/v1/jobs/{claim.job_id}/cancel")
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The job has already succeeded; there is nothing to cancel."


def test_labels_and_gates_are_shown_and_narrow_the_list(client: TestClient, jobs: Jobs) -> None:
    def submit(team: str, limit: float) -> str:
        body = SMALLEST | {"labels": {"team": team, "run": "1"}, "gate": {"max_perplexity": limit}}
        job = client.post("/v1/jobs", json=body).json()
        assert (job["labels"], job["gate"]) == ({"team": team, "run": "1"}, None)
        assert job["spec"]["gate"]["max_perplexity"] == limit
        claim = take(jobs.database, UUID(job["id"]), "worker", 3000)
        jobs.succeed(claim, pruned=63.0)
        return str(claim.job_id)

    missed, met = (submit(team, limit) for team, limit in (("search", 60.0), ("ads", 64.0)))
    jobs.queued()
    assert pages(client, gate="failed") == [[missed]]
    assert pages(client, gate="passed") == [[met]]
    assert pages(client, label="run=1") == [[met, missed]]
    assert pages(client, label="run=1", limit=1) == [[met], [missed]]
    assert pages(client, label=["run=1", "team=search"]) == [[missed]]
    assert pages(client, label=["team=search"], gate="passed") == [[]]
    assert pages(client, label="run=2") == [[]]
    job = client.get(f"/v1/jobs/{missed}").json()
    (condition,) = job["gate"].pop("conditions")
    assert job["gate"] == {"state": "failed", "export": None, "baseline": None}
    assert (condition["name"], condition["margin"], condition["state"]) == ("max_perplexity", -3.0, "failed")
    assert client.get("/v1/jobs").json()["items"][-1]["gate"]["state"] == "failed"


def test_another_owners_labels_find_nothing(client: TestClient, client_of: ClientOf) -> None:
    client.post("/v1/jobs", json=SMALLEST | {"labels": {"team": "search"}})
    assert pages(client_of("eve"), label="team=search") == [[]]


@pytest.mark.parametrize(
    ("labels", "field"),
    [
        ({"a b": "x"}, "labels.?"),
        ({"": "x"}, "labels.?"),
        ({"x" * 64: "x"}, f"labels.{'x' * 64}"),
        ({"a": "x" * 256}, "labels.a"),
        ({"a": "\x1b[31m"}, "labels.a"),
        ({"a": 1}, "labels.a"),
        ({f"n{number}": "x" for number in range(17)}, "labels"),
        (["a"], "labels"),
    ],
)
def test_labels_have_bounds(client: TestClient, labels: object, field: str) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST | {"labels": labels})
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == {field}
