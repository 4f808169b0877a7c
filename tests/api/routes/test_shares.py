"""What owners may take of the workers: shown to each, and set by an admin."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, update

from jobs.database import Database
from jobs.tables import AuditRecord, DailyUse, JobAttempt, OwnerShare, Worker
from tests.api.drive import ClientOf, Jobs, scopes_but
from tests.jobs.queue.fleet import register

NOTHING = {
    "weight": 1.0,
    "max_running": None,
    "running": 0,
    "queued": 0,
    "gpu_seconds": 0.0,
    "cpu_seconds": 0.0,
}


@pytest.fixture
def gpu_worker(database: Database) -> None:
    """The worker of `Jobs` has two GPUs."""
    with database.begin() as session:
        register(session, "worker")
        machine = {"device": "cuda (H100), cuda (H100)", "devices": 2}
        session.execute(update(Worker).values(machine=machine))


def ran_for(jobs: Jobs, seconds: float) -> None:
    """Let every attempt that runs have begun so long ago."""
    with jobs.database.begin() as session:
        began = func.clock_timestamp() - timedelta(seconds=seconds)
        session.execute(update(JobAttempt).where(JobAttempt.ended_at.is_(None)).values(started_at=began))


def own(client: TestClient, query: str = "") -> dict[str, Any]:
    """Return what an owner sees of its own share."""
    items = client.get(f"/v1/shares{query}").json()["items"]
    (share,) = (item for item in items if item["owner"] == "ada")
    return share  # type: ignore[no-any-return]


def test_an_owner_sees_its_share_and_its_use(client: TestClient, jobs: Jobs, gpu_worker: None) -> None:
    assert own(client) == {"owner": "ada"} | NOTHING
    claim = jobs.running()
    ran_for(jobs, 1800)
    jobs.succeed(claim)
    jobs.running()
    ran_for(jobs, 900)
    jobs.queued()
    jobs.queued("eve")
    share = own(client)
    assert share["gpu_seconds"] == pytest.approx(2 * (1800 + 900), abs=10)
    assert (share["cpu_seconds"], share["running"], share["queued"]) == (0.0, 1, 1)
    with jobs.database.begin() as session:
        session.execute(update(DailyUse).values(day=DailyUse.day - 6))
    assert own(client, "?days=6")["gpu_seconds"] == pytest.approx(1800, abs=10)
    assert own(client, "?days=7")["gpu_seconds"] == pytest.approx(5400, abs=10)


def test_seconds_on_a_worker_without_a_gpu_are_those_of_a_cpu(client: TestClient, jobs: Jobs) -> None:
    jobs.running()
    ran_for(jobs, 600)
    share = own(client)
    assert (share["gpu_seconds"], share["cpu_seconds"]) == (0.0, pytest.approx(600, abs=5))


def test_an_admin_sets_a_share_and_sees_all(client_of: ClientOf, jobs: Jobs, database: Database) -> None:
    admin = client_of("root")
    jobs.queued("eve")
    share = {"weight": 2.5, "max_running": 3}
    answer = admin.patch("/v1/shares/ada", json=share)
    assert (answer.status_code, answer.json()) == (200, {"owner": "ada"} | NOTHING | share)
    assert [item["owner"] for item in admin.get("/v1/shares").json()["items"]] == ["ada", "eve", "root"]
    assert own(client_of("ada", scopes_but("admin")))["max_running"] == 3
    changed = admin.patch("/v1/shares/ada", json={"weight": 2.0}).json()
    assert changed == {"owner": "ada"} | NOTHING | share | {"weight": 2.0}, "only what was named"
    unset = {"max_running": None, "weight": None}
    changed = admin.patch("/v1/shares/ada", json=unset).json()
    assert changed == {"owner": "ada"} | NOTHING, "null takes the default again"
    assert admin.patch("/v1/shares/ada", json={}).json() == changed
    with database.begin() as session:
        done = session.execute(
            select(AuditRecord.action, AuditRecord.subject_owner).order_by(AuditRecord.id)
        ).all()
    assert [tuple(row) for row in done if row.action != "key.created"] == [
        ("share.changed", "ada"),
        ("others.read", None),
        *[("share.changed", "ada")] * 3,
    ]


@pytest.mark.threat
def test_only_an_admin_sets_shares_or_sees_those_of_others(
    client_of: ClientOf, jobs: Jobs, database: Database
) -> None:
    jobs.queued("mallory")
    ordinary, reader = client_of(scopes=scopes_but("admin")), client_of(scopes=["admin", "jobs:read"])
    assert [item["owner"] for item in ordinary.get("/v1/shares").json()["items"]] == ["ada"]
    for client in (ordinary, reader):
        assert client.patch("/v1/shares/ada", json={"weight": 9.0}).status_code == 403
    with database.begin() as session:
        assert session.scalars(select(OwnerShare)).all() == []


@pytest.mark.parametrize(
    ("field", "wrong"),
    [("weight", 0), ("weight", 101), ("weight", "2"), ("max_running", -1), ("more", 1)],
)
def test_a_share_out_of_bounds_is_refused(client: TestClient, field: str, wrong: object) -> None:
    answer = client.patch("/v1/shares/ada", json={field: wrong})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
