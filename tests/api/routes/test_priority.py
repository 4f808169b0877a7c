"""The priority of a job: in its request, and changed while it is queued."""

import pytest
from fastapi.testclient import TestClient

from jobs.queue import backlog
from jobs.tables import Job
from tests.api.drive import SMALLEST, ClientOf, Jobs

ORIGIN = {"Origin": "http://testserver"}


def in_line(jobs: Jobs) -> list[str]:
    with jobs.database.begin() as session:
        for job in backlog.unsized(session, 10):
            backlog.record_needs(session, job.job_id, None)
        return [*map(str, backlog.next_jobs(session, "cpu", backlog.groups(session), 10).jobs)]


def test_your_jobs_run_by_the_priority_of_their_requests(client: TestClient, jobs: Jobs) -> None:
    made = [
        client.post("/v1/jobs", json=SMALLEST | more).json()
        for more in ({}, {"priority": 5}, {"priority": -5}, {"priority": 5})
    ]
    assert [job["priority"] for job in made] == [0, 5, -5, 5]
    ids = [job["id"] for job in made]
    assert in_line(jobs) == [ids[1], ids[3], ids[0], ids[2]]
    again = client.post("/v1/jobs", json=made[1]["spec"]).json()
    assert (again["priority"], again["spec"]["priority"]) == (5, 5)


def test_the_worker_does_not_get_the_priority(client: TestClient, jobs: Jobs) -> None:
    job_id = client.post("/v1/jobs", json=SMALLEST | {"priority": 5}).json()["id"]
    with jobs.database.begin() as session:
        assert "priority" not in session.get_one(Job, job_id).spec


def test_the_jobs_of_a_sweep_have_its_priority(client: TestClient, jobs: Jobs) -> None:
    for what in ({"vary": {"sparsity": [0.3, 0.5]}}, {"target": {"max_perplexity": 30.0}}):
        body = {"job": {"model": "org/name", "method": "gblm", "priority": 7}, **what}
        sweep = client.post("/v1/sweeps", json=body).json()
        assert {job["priority"] for job in sweep["jobs"]} == {7}


@pytest.mark.parametrize("wrong", [101, -101, 1.5, "5", True])
def test_a_priority_out_of_bounds_is_refused(client: TestClient, jobs: Jobs, wrong: object) -> None:
    job_id = jobs.queued()
    for answer in (
        client.post("/v1/jobs", json=SMALLEST | {"priority": wrong}),
        client.patch(f"/v1/jobs/{job_id}", json={"priority": wrong}),
    ):
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["priority"]


def test_a_queued_job_is_moved_ahead_of_your_others(
    client: TestClient, client_of: ClientOf, jobs: Jobs
) -> None:
    first, second = str(jobs.queued()), str(jobs.queued())
    assert in_line(jobs) == [first, second]
    answer = client.patch(f"/v1/jobs/{second}", json={"priority": 1})
    assert (answer.status_code, answer.json()["priority"]) == (200, 1)
    assert in_line(jobs) == [second, first]
    path = f"/v1/jobs/{first}"
    assert client_of("bob").patch(path, json={"priority": 9}).status_code == 404
    assert client.patch(path, json={"priority": 2}).json()["priority"] == 2
    assert client_of("ada", scopes=["jobs:read"]).patch(path, json={"priority": 3}).status_code == 403
    assert in_line(jobs) == [first, second]


def test_a_job_that_runs_cannot_be_moved(client: TestClient, jobs: Jobs) -> None:
    claim = jobs.running()
    assert client.patch(f"/v1/jobs/{claim.job_id}", json={}).json()["priority"] == 0, "nothing is changed"
    answer = client.patch(f"/v1/jobs/{claim.job_id}", json={"priority": 1})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:pruneserve:problem:not-queued")
    assert "running" in answer.json()["detail"]
