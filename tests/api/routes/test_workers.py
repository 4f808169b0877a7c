"""The list of workers, for keys with the scope `admin`: over REST and on the page."""

import re
from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.access.api_keys import Scope
from jobs.fleet import dispatch_queue, machines, quarantine
from jobs.tables import Job, Worker
from pruning.estimate import ASSUMED
from tests.api.drive import ClientOf, Jobs

Database = sessionmaker[Session]

FAULT = "its work directory cannot be written (EROFS)"


def test_a_quarantined_worker_comes_first_and_says_why(client: TestClient, database: Database) -> None:
    with database.begin() as session:
        for name in ("a", "b"):
            dispatch_queue.worker_seen(session, name, "prune")
        quarantine.quarantine(session, "b", "prune", FAULT)
    sick, well = client.get("/v1/workers").json()["items"]
    assert (sick["name"], sick["state"], sick["fault"]) == ("b", "quarantined", FAULT)
    assert sick["since"] == sick["quarantined_at"] >= sick["started_at"]
    assert (well["name"], well["quarantined_at"], well["faults"], well["fault"]) == ("a", None, 0, None)
    assert (well["state"], well["since"], well["device"], well["job"]) == ("idle", None, None, None)


def test_a_busy_worker_names_its_job_and_a_silent_one_says_since_when(
    client: TestClient, jobs: Jobs, database: Database
) -> None:
    claim = jobs.running("eve")  # on the worker `worker`
    jobs.progress(claim, "prune", 3, 30)
    jobs.succeed(jobs.running())  # which leaves no trace
    with database.begin() as session:
        machines.measured(session, "worker", "prune", ASSUMED.model_copy(update={"device": "cuda A40"}))
        dispatch_queue.worker_seen(session, "worker", "prune")
        quarantine.quarantine(session, "gone", "prune", FAULT)
        long_ago = text("clock_timestamp() - interval '31 seconds'")
        session.execute(update(Worker).where(Worker.name == "gone").values(seen_at=long_ago))
        taken = session.get_one(Job, claim.job_id).running_at
    assert taken is not None
    gone, busy = client.get("/v1/workers").json()["items"]
    assert (gone["name"], gone["state"], gone["since"]) == ("gone", "silent", gone["seen_at"])
    assert (busy["state"], busy["device"], busy["since"]) == ("busy", "cuda A40", busy["job"]["since"])
    assert datetime.fromisoformat(busy["job"].pop("since")) == taken
    assert busy["job"] == {"id": str(claim.job_id), "owner": "eve", "stage": "prune"}


@pytest.mark.parametrize("path", ["/v1/workers", "/workers", "/workers/stream"])
def test_an_ordinary_key_does_not_see_the_machines(client_of: ClientOf, path: str) -> None:
    ordinary = client_of(scopes=[Scope.JOBS_READ, Scope.JOBS_WRITE])
    assert ordinary.get(path).status_code == 403
    assert 'href="/workers"' not in ordinary.get("/jobs").text


def test_the_page_shows_what_the_api_says(client: TestClient, jobs: Jobs, database: Database) -> None:
    assert "No worker is connected." in client.get("/workers").text
    claim = jobs.running("eve & co")
    with database.begin() as session:
        dispatch_queue.worker_seen(session, "worker", "prune")
        quarantine.quarantine(session, "sick", "prune", "<img src=x>")
    html = client.get("/workers").text
    assert re.findall(r'class="badge \w+">(\w+)<', html) == ["Quarantined", "Busy"]
    assert f'href="/jobs/{claim.job_id}?owner=eve%20%26%20co"' in html
    assert "&lt;img src=x&gt;" in html
    assert "<img" not in html
    assert 'href="/workers" aria-current="page"' in html


@pytest.mark.threat
def test_the_layers_of_the_sandbox_that_hold_are_told(client: TestClient, database: Database) -> None:
    told = {
        "a": None,
        "b": {"landlock": True, "network namespace": True},
        "c": {"landlock": False, "network namespace": False, "system calls": True},
    }
    with database.begin() as session:
        for name, layers in told.items():
            dispatch_queue.worker_seen(session, name, "prune")
            if layers is not None:
                machines.confined(session, name, "prune", layers)
    items = client.get("/v1/workers").json()["items"]
    assert {item["name"]: item["sandbox"] for item in items} == told
    html = client.get("/workers").text
    found = re.findall(r"sandbox without [\w, ]+|whole sandbox", html)
    assert found == ["whole sandbox", "sandbox without landlock, network namespace"]
