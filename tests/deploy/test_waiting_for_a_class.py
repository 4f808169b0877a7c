"""The query that KEDA scales classes by, on a real PostgreSQL, compared with the rules of the service."""

import random
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from cli.embedded.postgres import APP_ROLE
from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.queue.resources import UNKNOWN_NEEDS, Needs, smallest_that_fits
from jobs.spec.job import JobSpec
from jobs.tables import NOW, Job, OwnerShare, Queue
from tests.deploy.test_kubernetes import KUBERNETES, SAID, rendered

ROLE = KUBERNETES / "overlays" / "fleet" / "keda-role.sql"
CLASSES = {name: (has,) for name, has in SAID.items()}
QUERIES = {
    it["metadata"]["labels"]["pruneserve/class"]: it["spec"]["triggers"][0]["metadata"]["query"]
    for it in rendered("fleet")
    if it["kind"] in ("ScaledObject", "ScaledJob")
}
STAYING = {
    it["metadata"]["labels"]["pruneserve/class"] for it in rendered("fleet") if it["kind"] == "ScaledObject"
}


def wanted(session: Session) -> dict[str, int]:
    """How many workers of each class KEDA would have."""
    return {name: int(session.execute(text(query)).scalar_one()) for name, query in QUERIES.items()}


def submit(session: Session, spec: JobSpec, owner: str = "ada", **values: object) -> UUID:
    job_id = owner_moves.create(session, owner, spec).id
    values = {"needs": {}} | values
    session.execute(update(Job).where(Job.id == job_id).values(**values))
    return job_id


def of_class(name: str) -> dict[str, object]:
    """What a job needs that is of a class."""
    has = SAID[name]
    needs = Needs(gpus=has.gpus, device_bytes=has.device_bytes, cpu_bytes=has.host_bytes)
    return {"needs": needs.model_dump()}


def run(session: Session, spec: JobSpec, name: str) -> None:
    """Let a job run on a worker of a class."""
    job_id = submit(session, spec, **of_class(name))
    assert lifecycle.claim(session, job_id, "w", 60) is not None
    session.execute(update(Job).where(Job.id == job_id).values(queue=name))


def test_a_job_wants_a_worker_of_the_smallest_class_that_it_fits(database: Database, spec: JobSpec) -> None:
    draw = random.Random(5)  # noqa: S311 - examples
    expected: Counter[str | None] = Counter()

    def size(name: str) -> int:
        """What some class has, or a byte more or less; or next to nothing."""
        edges = [0, *(getattr(has, name) for has in SAID.values())]
        return max(0, draw.choice(edges) + draw.choice([-1, 0, 1]))

    with database.begin() as session:
        for _ in range(150):
            needs = Needs(
                gpus=draw.choice([0, 0, 0, 1, 2, 3]),
                device_bytes=size("device_bytes"),
                host_bytes=size("host_bytes"),
                cpu_bytes=size("host_bytes"),
                scratch_bytes=size("scratch_bytes"),
                cpu_scratch_bytes=size("scratch_bytes"),
                cpu_seconds=draw.choice([0.0, 900.0, 901.0, 1e6]),
            )
            submit(session, spec, needs=needs.model_dump())
            expected[smallest_that_fits(needs, CLASSES)] += 1
        submit(session, spec)
        expected[smallest_that_fits(UNKNOWN_NEEDS, CLASSES)] += 1
        assert {name for name, count in expected.items() if count} == {*SAID, None}, "each is drawn"
        assert wanted(session) == {name: expected[name] for name in QUERIES}


def test_jobs_that_no_worker_could_claim_want_no_worker(database: Database, spec: JobSpec) -> None:
    ours = of_class("gpu.80g")
    with database.begin() as session:
        submit(session, spec, **ours)
        submit(session, spec, **ours, next_try_at=NOW + timedelta(hours=1))
        run(session, spec, "cpu")
        running = session.scalars(select(Job.id).where(Job.state == "running")).one()
        submit(session, spec, **ours, blocked_on=running)
        owner_moves.create(session, "ada", spec)
        assert wanted(session) == {"cpu": 1, "gpu.24g": 0, "gpu.80g": 1, "gpu.2x80g": 0}
        due = {"next_try_at": NOW - timedelta(hours=1)}
        session.execute(update(Job).values(due).where(Job.next_try_at.is_not(None)))
        assert wanted(session)["gpu.80g"] == 2
        session.add(Queue(name="gpu.80g", paused_at=func.now()))
        session.flush()
        assert wanted(session)["gpu.80g"] == 0


def test_an_owner_wants_no_more_workers_than_it_may_have_jobs_running(
    database: Database, spec: JobSpec
) -> None:
    with database.begin() as session:
        session.add(OwnerShare(owner="grace", max_running=3))
        for _ in range(10):
            last = submit(session, spec, "grace", **of_class("gpu.80g"))
        submit(session, spec, **of_class("gpu.80g"))
        assert wanted(session)["gpu.80g"] == 3 + 1
        assert lifecycle.claim(session, last, "w", 60) is not None
        assert wanted(session)["gpu.80g"] == 2 + 1


def test_a_worker_that_stays_is_wanted_for_as_long_as_it_runs_a_job(
    database: Database, spec: JobSpec
) -> None:
    """One for a single job ends by itself, and counts no more once it has claimed it."""
    with database.begin() as session:
        for name in QUERIES:
            run(session, spec, name)
        assert wanted(session) == {name: int(name in STAYING) for name in QUERIES}


@pytest.mark.threat
def test_kedas_role_may_count_jobs_and_read_nothing_else(database: Database, spec: JobSpec) -> None:
    create, *grants = filter(str.strip, ROLE.read_text().split(";"))
    assert "CREATE ROLE pruneserve_keda LOGIN" in create
    with database.begin() as session:
        submit(session, spec, **of_class("gpu.80g"))
        for grant in grants:  # to the role that the tests' server has, and that has no right in this database
            session.execute(text(grant.replace("pruneserve_keda", APP_ROLE)))
        session.execute(text(f"SET LOCAL ROLE {APP_ROLE}"))
        assert wanted(session)["gpu.80g"] == 1
        for may in (
            "has_column_privilege('jobs', 'spec', 'SELECT')",
            "has_column_privilege('jobs', 'report', 'SELECT')",
            "has_table_privilege('workers', 'SELECT')",
            "has_table_privilege('api_keys', 'SELECT')",
            "has_any_column_privilege('jobs', 'UPDATE')",
        ):
            assert session.scalar(text(f"SELECT {may}")) is False, may
