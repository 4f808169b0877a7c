"""The list of workers, for keys with the scope `admin`: over REST and on the page."""

from datetime import datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text, update

from jobs.access.api_keys import Scope
from jobs.database import Database
from jobs.queue import conditions, workers
from jobs.queue.resources import Capacity
from jobs.tables import Job, Worker
from pruning.estimate import ASSUMED
from tests.api.drive import ClientOf, Jobs
from tests.jobs.queue.fleet import CPU, register

FAULT = "its work directory cannot be written (EROFS)"


def test_a_quarantined_worker_is_listed_first_with_its_fault(client: TestClient, database: Database) -> None:
    with database.begin() as session:
        for name in ("a", "b"):
            register(session, name)
        conditions.quarantine(session, "b", FAULT)
    sick, well = client.get("/v1/workers").json()["items"]
    assert (sick["name"], sick["state"], sick["fault"]) == ("b", "quarantined", FAULT)
    assert sick["since"] == sick["quarantined_at"] >= sick["started_at"]
    assert (well["name"], well["quarantined_at"], well["faults"], well["fault"]) == ("a", None, 0, None)
    assert (well["state"], well["since"], well["device"], well["job"]) == ("idle", None, None, None)


def test_a_busy_worker_has_its_job_and_a_silent_one_the_time(
    client: TestClient, jobs: Jobs, database: Database
) -> None:
    claim = jobs.running("eve")  # on the worker `worker`
    jobs.progress(claim, "prune", 3, 30)
    jobs.succeed(jobs.running())  # which leaves no trace
    with database.begin() as session:
        workers.record_machine(session, "worker", ASSUMED.model_copy(update={"device": "cuda A40"}))
        register(session, "worker")
        conditions.quarantine(session, "gone", FAULT)
        long_ago = text("clock_timestamp() - interval '31 seconds'")
        session.execute(update(Worker).where(Worker.name == "gone").values(seen_at=long_ago))
        taken = session.get_one(Job, claim.job_id).running_at
    assert taken is not None
    gone, busy = client.get("/v1/workers").json()["items"]
    assert (gone["name"], gone["state"], gone["since"]) == ("gone", "silent", gone["seen_at"])
    assert (busy["state"], busy["device"], busy["since"]) == ("busy", "cuda A40", busy["job"]["since"])
    assert datetime.fromisoformat(busy["job"].pop("since")) == taken
    assert busy["job"] == {"id": str(claim.job_id), "owner": "eve", "stage": "prune"}


@pytest.mark.parametrize("path", ["/v1/workers", "/v1/queues"])
def test_an_ordinary_key_does_not_see_the_machines(client_of: ClientOf, path: str) -> None:
    ordinary = client_of(scopes=[Scope.JOBS_READ, Scope.JOBS_WRITE])
    assert ordinary.get(path).status_code == 403


@pytest.mark.threat
def test_a_worker_lists_the_layers_of_the_sandbox_that_hold(client: TestClient, database: Database) -> None:
    told = {
        "a": None,
        "b": {"landlock": True, "network namespace": True},
        "c": {"landlock": False, "network namespace": False, "system calls": True},
    }
    with database.begin() as session:
        for name, layers in told.items():
            register(session, name)
            if layers is not None:
                workers.record_sandbox(session, name, layers)
    items = client.get("/v1/workers").json()["items"]
    assert {item["name"]: item["sandbox"] for item in items} == told


ACTS = [
    ("workers/a", {"availability": "cordoned"}, "worker.cordoned", "worker a"),
    ("workers/a", {"availability": "draining"}, "worker.drained", "worker a"),
    ("workers/a", {"availability": "active"}, "worker.uncordoned", "worker a"),
    ("queues/cpu", {"paused": True}, "queue.paused", "queue cpu"),
    ("queues/cpu", {"paused": False}, "queue.resumed", "queue cpu"),
]


def told(client: TestClient) -> list[tuple[str, ...]]:
    records = client.get("/v1/audit").json()["items"][::-1]
    return [(record["action"], record["owner"], record["subject"]) for record in records]


@pytest.mark.threat
def test_each_act_of_an_operator_is_done_and_recorded(
    client: TestClient, jobs: Jobs, database: Database
) -> None:
    claim = jobs.running("eve")
    with database.begin() as session:
        register(session, "a")
        moved = update(Job).where(Job.id == claim.job_id)
        session.execute(moved.values(worker="a", queue="cpu"))
    states = []
    for path, change, _, _ in ACTS:
        assert client.patch(f"/v1/{path}", json=change).status_code == 200
        [worker] = client.get("/v1/workers").json()["items"]
        [queue] = client.get("/v1/queues").json()["items"]
        states.append((worker["state"], worker["draining"], queue["paused_by"]))
        assert (worker["job"]["id"], queue["running"]) == (str(claim.job_id), 1), "what runs goes on"
    assert states == [
        ("cordoned", False, None),
        ("cordoned", True, None),
        ("busy", False, None),
        ("busy", False, "ada"),
        ("busy", False, None),
    ]
    acts = [(action, "ada", subject) for _, _, action, subject in ACTS]
    assert [record for record in told(client) if record[0] != "others.read"] == acts


@pytest.mark.threat
def test_steering_needs_both_scopes(client_of: ClientOf, database: Database) -> None:
    with database.begin() as session:
        register(session, "a")
    looker = client_of(scopes=[Scope.JOBS_READ, Scope.ADMIN])
    writer = client_of(scopes=[Scope.JOBS_READ, Scope.JOBS_WRITE])
    for path, change, _, _ in ACTS:
        assert {user.patch(f"/v1/{path}", json=change).status_code for user in (looker, writer)} == {403}
    [worker] = looker.get("/v1/workers").json()["items"]
    [queue] = looker.get("/v1/queues").json()["items"]
    assert (worker["cordoned_at"], queue["paused_at"]) == (None, None)


def test_what_is_not_there_is_not_steered(client: TestClient) -> None:
    for path, change, _, _ in ACTS:
        assert client.patch(f"/v1/{path}", json=change).status_code == 404
    assert told(client) == []
    assert client.get("/v1/queues").json() == {"items": []}


@pytest.mark.threat
def test_an_admin_cancels_any_owners_job_and_that_is_recorded(client_of: ClientOf, jobs: Jobs) -> None:
    admin, ordinary = client_of("root"), client_of("bob", [Scope.JOBS_READ, Scope.JOBS_WRITE])
    path = f"/v1/jobs/{jobs.queued('eve')}/cancel"
    assert admin.post(path).status_code == 404, "only where the owner is named"
    assert ordinary.post(f"{path}?owner=eve").status_code == 403
    assert admin.post(f"{path}?owner=ada").status_code == 404
    assert admin.post(f"{path}?owner=eve").json()["state"] == "cancelled"
    assert told(admin)[-1] == ("others.changed", "root", f"POST {path}")


def test_a_worker_has_its_queues_and_capacity(client: TestClient, database: Database) -> None:
    has = Capacity(gpus=2, device_bytes=80 * 10**9, host_bytes=400 * 10**9, scratch_bytes=2 * 10**12)
    with database.begin() as session:
        register(session, "old")
        workers.record_capacity(session, "new", "gpu.2x80g", has, queues=["gpu.2x80g", "night"])
    new, old = client.get("/v1/workers").json()["items"]
    assert (old["queue"], old["queues"], old["capacity"]) == ("cpu", None, CPU.model_dump())
    assert (new["queue"], new["queues"]) == ("gpu.2x80g", ["gpu.2x80g", "night"])
    assert Capacity.model_validate(new["capacity"]) == has
