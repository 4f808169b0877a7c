"""A queued job says why it waits: in every answer, on the page, and in its streams."""

import html
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update

from api.schemas.jobs import Waiting
from api.streams import Batch, Streams
from jobs.database import Database
from jobs.queue import backlog, conditions, workers
from jobs.queue.resources import Capacity, Needs
from jobs.queue.waiting import Wait, WaitsFor
from jobs.tables import Job
from tests.api.drive import SMALLEST, ClientOf, Jobs, scopes_but
from tests.jobs.queue.fleet import register

OF_THE_OUTSIDE: dict[str, None] = dict.fromkeys(("job_id", "since", "tries", "next_try_at"))
NO_WORKER = {"reason": "worker", "position": None, "message": "no worker is connected"} | OF_THE_OUTSIDE
NEXT = {"reason": "its_turn", "position": 1, "message": "next in the queue"} | OF_THE_OUTSIDE
FAULT = "its work directory cannot be written (EROFS)"


def connect(database: Database) -> None:
    """A worker and a scheduler appear."""
    with database.begin() as session:
        register(session, "worker")
        workers.record_scheduler_heartbeat(session, "scheduler")


def size_all(database: Database) -> None:
    """Do what the scheduler does with new jobs."""
    with database.begin() as session:
        for job in backlog.unsized(session, 100):
            backlog.record_needs(session, job.job_id, None)


def test_every_response_has_the_reason_why_a_queued_job_waits(
    client: TestClient, jobs: Jobs, database: Database
) -> None:
    submitted = client.post("/v1/jobs", json=SMALLEST).json()
    assert submitted["waiting"] == NO_WORKER
    connect(database)
    checks = {"reason": "checks", "position": None, "message": "its size is estimated, to choose a worker"}
    assert client.get(f"/v1/jobs/{submitted['id']}").json()["waiting"] == checks | OF_THE_OUTSIDE
    size_all(database)
    path = f"/v1/jobs/{submitted['id']}"
    assert client.get(path).json()["waiting"] == NEXT
    later = str(jobs.queued("eve"))
    client.post("/v1/jobs", json=SMALLEST)
    size_all(database)
    behind = client.get("/v1/jobs").json()["items"][0]["waiting"]
    assert behind == NEXT | {"position": 3, "message": "position 3 in the queue"}
    assert [job["waiting"] for job in client.get("/v1/jobs").json()["items"]] == [behind, NEXT]
    assert later not in client.get("/v1/jobs").text
    assert client.post(f"{path}/cancel").json()["waiting"] is None
    assert client.post(f"{path}/retry").json()["waiting"] == checks | OF_THE_OUTSIDE
    size_all(database)
    assert client.get(path).json()["waiting"] == NEXT
    body = {"job": {"model": "org/name", "method": "gblm"}, "vary": {"sparsity": [0.3, 0.5]}}
    sweep = client.post("/v1/sweeps", json=body).json()
    assert [job["waiting"]["reason"] for job in sweep["jobs"]] == ["checks", "checks"]
    size_all(database)
    jobs_of_it = client.get(f"/v1/sweeps/{sweep['id']}").json()["jobs"]
    assert [job["waiting"]["position"] for job in jobs_of_it] == [4, 5]


def test_a_job_that_is_not_queued_waits_for_nothing(client: TestClient, jobs: Jobs) -> None:
    running, ended = jobs.running(), jobs.running()
    jobs.succeed(ended)
    for claim in (running, ended):
        assert client.get(f"/v1/jobs/{claim.job_id}").json()["waiting"] is None


@pytest.mark.threat
def test_only_an_admin_reads_what_is_wrong_with_the_workers(
    client_of: ClientOf, jobs: Jobs, database: Database
) -> None:
    job_id = jobs.queued()
    with database.begin() as session:
        workers.record_scheduler_heartbeat(session, "scheduler")
        register(session, "sick")
        conditions.quarantine(session, "sick", FAULT)
    everybody, admin = client_of(scopes=scopes_but("admin")), client_of()
    paths = ["/v1/jobs", f"/v1/jobs/{job_id}", "/jobs", f"/jobs/{job_id}"]
    assert [FAULT in admin.get(path).text for path in paths] == [True] * 4
    for path in paths:
        told = everybody.get(path).text
        assert "every worker of the queue cpu is quarantined" in told
        assert "work directory" not in told
        assert "sick" not in told


def test_the_page_of_a_queued_job_follows_why_it_waits(
    client: TestClient, jobs: Jobs, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = jobs.queued()

    async def without_events(_streams: Streams, *_asked: Any) -> AsyncIterator[Batch]:
        yield ()
        yield ()
        connect(database)
        yield ()

    monkeypatch.setattr(Streams, "follow", without_events)
    sent = client.get(f"/jobs/{job_id}/stream?after=1").text
    assert re.findall(r"^event: (\w+)$|^(:) |Waiting: ([\w ]+)\.", sent, re.MULTILINE) == [
        ("progress", "", ""),
        ("", "", "no worker is connected"),
        ("", ":", ""),
        ("progress", "", ""),
        ("", "", "next in the queue"),
        ("end", "", ""),
    ]
    assert set(re.findall(r"^id: (\d+)$", sent, re.MULTILINE)) == {"1"}


def test_every_owner_sees_that_an_operator_holds_its_jobs(
    client_of: ClientOf, jobs: Jobs, database: Database
) -> None:
    everybody = client_of(scopes=scopes_but("admin"))
    connect(database)
    job_id = jobs.queued()
    with database.begin() as session:
        conditions.pause(session, "cpu", "root")
    page = everybody.get(f"/jobs/{job_id}").text
    assert everybody.get(f"/v1/jobs/{job_id}").json()["waiting"]["message"] in page
    assert "root" not in page


SINCE = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("wait", "message"),
    [
        (
            Wait(WaitsFor.CORDONED, "cpu"),
            "an operator lets the workers of the queue cpu take no more jobs",
        ),
        (Wait(WaitsFor.PAUSED, "cpu"), "an operator has paused the queue cpu"),
        (Wait(WaitsFor.BROKER, since=SINCE), "the broker does not answer, so no job reaches a worker"),
        (Wait(WaitsFor.UNSCHEDULABLE, shortage="fits nowhere"), "fits nowhere"),
    ],
)
def test_each_reason_has_its_words(wait: Wait, message: str) -> None:
    waiting = Waiting.of(Job(), wait, with_faults=False).model_dump()
    of_the_outside = OF_THE_OUTSIDE | {"since": wait.since}
    assert waiting == {"reason": wait.reason, "position": None, "message": message} | of_the_outside


def test_a_job_that_fits_no_worker_shows_what_is_missing(
    client: TestClient, jobs: Jobs, database: Database
) -> None:
    has = Capacity(gpus=1, device_bytes=24 * 10**9, host_bytes=64 * 10**9, scratch_bytes=10**12)
    needs = Needs(device_bytes=62 * 10**9, host_bytes=1, cpu_bytes=10**12, cpu_seconds=1e6)
    job_id = jobs.queued()
    with database.begin() as session:
        workers.record_capacity(session, "small", "gpu.24g", has)
        workers.record_scheduler_heartbeat(session, "scheduler")
        session.execute(update(Job).values(needs=needs.model_dump()))
    told = client.get(f"/v1/jobs/{job_id}").json()
    message = told["waiting"]["message"]
    assert message.startswith("fits nowhere: the nearest worker is of the queue gpu.24g, and the job needs")
    assert message.endswith("help (where the estimate is wrong, the request's `resources` say better)")
    assert (told["queue"], told["needs"]["device_bytes"]) == (None, 62 * 10**9)
    for path in ("/jobs", f"/jobs/{job_id}"):
        assert message in html.unescape(client.get(path).text)
    assert "62 GB of GPU memory" in client.get(f"/jobs/{job_id}").text
