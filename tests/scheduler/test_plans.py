"""A round of a scheduler costs what it does, however many jobs and events there are.

`make nightly` runs it with a million jobs and two million events.
"""

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
from sqlalchemy import Engine, select, text, update

from jobs.database import Database
from jobs.monitoring.catalogue import JOBS as JOBS_BY_STATE
from jobs.queue.overview import NO_QUEUE
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage.store import Store
from jobs.tables import Job, JobEvent
from jobs.webhooks import outbox
from scheduler.metrics import MetricsReader
from scheduler.retention import Retention
from scheduler.rounds import Scheduler
from tests.plans import Explained, explaining
from tests.scheduler.seed_fleet import fill_fleet

LONG_AGO = text("now() - interval '40 days'")
RUNNING_SWEEPS = 5
OWNERS = 60
JOBS = int(os.environ.get("SCALE_JOBS", "20000"))
WORKERS = 20 + max(1000, JOBS // 100)

pytestmark = pytest.mark.timeout(3600 if JOBS > 20_000 else 300)


def vacuum(engine: Engine) -> None:
    """Do what autovacuum does in the course of time."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE, INDEX_CLEANUP ON)"))


@pytest.fixture
def fleet(engine: Engine, spec: JobSpec) -> Engine:
    """A database that is filled as by a fleet in use."""
    with engine.begin() as connection:
        fill_fleet(connection, spec, jobs=JOBS)
    vacuum(engine)
    return engine


def wasteful(asked: list[Explained]) -> list[Explained]:
    """The statements that read ten times the rows that they are about, or more.

    Sweeps are asked one by one whether a job of theirs is open: that is two rows of each. The shares of few
    owners are found by reading all, which lie on a page. Which workers are idle is found by reading all that
    are alive, and an index entry of each job that one of them runs: few milliseconds for 10,000. Which leases
    have expired is found by reading all, one for each busy worker.
    """
    return [
        each
        for each in asked
        if not each.proportionate
        and not ("FROM sweeps" in each.statement and each.read <= 2 * RUNNING_SWEEPS)
        and not ("owner_shares" in each.statement and each.read <= 3 * OWNERS)
        and not ("FROM workers" in each.statement and each.read <= 2 * WORKERS)
        and not ("JOIN leases" in each.statement and each.read <= WORKERS)
    ]


def report(name: str, asked: list[Explained]) -> None:
    read, touched = sum(each.read for each in asked), sum(each.touched for each in asked)
    took = sum(each.milliseconds for each in asked)
    print(f"{name}: {len(asked)} statements, {read} rows read, {touched} touched, {took:.1f} ms")
    for each in sorted(asked, key=lambda each: -each.milliseconds)[:3]:
        line = " ".join(each.statement.split())[:90]
        print(f"    {each.read} read, {each.touched} touched, {each.milliseconds:.2f} ms: {line}")


def measure(engine: Engine, name: str, work: Callable[[], object]) -> list[Explained]:
    with explaining(engine) as asked:
        work()
    report(name, asked)
    assert asked
    return asked


def test_every_scheduler_statement_reads_few_rows_beyond_its_result(
    fleet: Engine, database: Database, settings: Settings, broker: redis.Redis
) -> None:
    rounds(fleet, database, broker)
    upkeep(fleet, database, settings)
    webhooks(fleet, database)
    reading = MetricsReader(database)
    assert wasteful(measure(fleet, "how the service stands", reading.round)) == []
    gauges = {(each.name, *labels): value for each, values in reading.gauges() for labels, value in values}
    assert gauges[JOBS_BY_STATE.name, "queued", NO_QUEUE] > JOBS // 200


def rounds(fleet: Engine, database: Database, broker: redis.Redis) -> None:
    now = [1000.0]
    scheduler = Scheduler(database, clock=lambda: now[0])
    assert scheduler.round()  # deletes workers that are long silent, which the next does not repeat
    now[0] += 1.0
    assert wasteful(measure(fleet, "a round with nothing to do", scheduler.round)) == []
    broker.flushall()
    assert wasteful(measure(fleet, "a round that wakes workers", scheduler.round)) == []


def upkeep(fleet: Engine, database: Database, settings: Settings) -> None:
    limits = settings.model_copy(update={"artifact_retention_days": 30.0})
    retention = Retention(database, limits, Store(settings.store_url))
    for _ in range(3):
        retention.round()  # deletes what has expired
    vacuum(fleet)
    with database.begin() as session:
        succeeded = select(Job.id).where(Job.state == JobState.SUCCEEDED).order_by(Job.id.desc())
        of_them = JobEvent.job_id.in_(succeeded.limit(300)), JobEvent.kind == "progress"
        session.execute(update(JobEvent).where(*of_them).values(at=LONG_AGO))
        session.execute(update(Job).where(Job.id.in_(succeeded.limit(40))).values(ended_at=LONG_AGO))
    asked = measure(fleet, "upkeep of 300 events and 40 jobs", retention.round)
    assert wasteful(asked) == []
    assert max(each.touched for each in asked) >= 300
    vacuum(fleet)
    assert wasteful(measure(fleet, "upkeep with nothing to do", retention.round)) == []


def webhooks(fleet: Engine, database: Database) -> None:
    def take() -> None:
        with database.begin() as session:
            outbox.take_due(session, 64, 60)

    def forget() -> None:
        with database.begin() as session:
            outbox.delete_old(session, timedelta(days=30))

    assert wasteful(measure(fleet, "five messages are due", take)) == []
    assert wasteful(measure(fleet, "no message is due", take)) == []
    assert wasteful(measure(fleet, "old messages are forgotten", forget)) == []
