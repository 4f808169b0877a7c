"""The priority of a job."""

import pytest
from fastapi.testclient import TestClient

from jobs.queue import backlog
from jobs.tables import Job
from tests.api.drive import SMALLEST, Jobs


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
def test_a_priority_out_of_bounds_is_refused(client: TestClient, wrong: object) -> None:
    answer = client.post("/v1/jobs", json=SMALLEST | {"priority": wrong})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["priority"]
