"""A scheduler on a real database and broker: leases, outages and lost jobs."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from uuid import UUID

import pytest
import redis
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from cli.embedded.process import LOOPBACK, free_port
from jobs import limits
from jobs.database import Database
from jobs.lifecycle import attempt_files, owner_moves
from jobs.queue import backlog
from jobs.queue.held_jobs import expired_leases
from jobs.settings import Settings
from jobs.states import JobState
from jobs.storage.store import StoredFile
from jobs.tables import Lease, Sweep, Worker
from scheduler import rounds
from scheduler.rounds import Scheduler
from tests.claims import job, unavailable
from tests.clock import Clock, check_times
from tests.conftest import Submit
from tests.eventually import eventually
from tests.limits import with_limits
from tests.scheduler.scheduled import (
    LONG_AGO,
    QUEUE,
    expire_leases,
    messages,
    pass_a_lease,
    running,
    seen,
    take,
)


def test_workers_without_heartbeats_for_an_hour_are_deleted(database: Database, scheduler: Scheduler) -> None:
    seen(database, "dead", "alive")
    with database.begin() as session:
        long_ago = text("now() - interval '1 day'")
        session.execute(update(Worker).where(Worker.name == "dead").values(seen_at=long_ago))
    scheduler.round()
    with database.begin() as session:
        assert session.scalars(select(Worker.name)).all() == ["alive"]


def test_sweeps_that_cannot_be_advanced_delay_no_other_and_are_tried_again_later(
    database: Database, scheduler: Scheduler, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with database.begin() as session:
        session.add_all([Sweep(owner="ada", request={}, search={}) for _ in range(25)])  # without a target
        session.flush()
        session.add(Sweep(owner="eve", request={}))
    for _ in range(3):
        assert scheduler.round()
    with database.begin() as session:
        states = session.execute(select(Sweep.owner, Sweep.state).distinct()).all()
    assert sorted(map(tuple, states)) == [("ada", "running"), ("eve", "succeeded")]

    def tries() -> int:
        return sum("cannot be advanced" in record.message for record in caplog.records)

    assert tries() == 25
    clock.seconds += 3600
    assert scheduler.round()
    assert tries() == 45


def test_a_job_is_requeued_once_its_worker_had_time_to_extend_the_lease(
    database: Database, submit: Submit, scheduler: Scheduler, clock: Clock
) -> None:
    claim = running(database, submit)
    expire_leases(database)
    scheduler.round()
    assert job(database, claim.job_id).state == JobState.RUNNING, "the scheduler has only just started"
    pass_a_lease(scheduler, clock)
    scheduler.round()
    waiting = job(database, claim.job_id)
    assert (waiting.state, waiting.lost_attempts) == (JobState.QUEUED, 1)


def test_after_a_frozen_database_one_lease_passes_before_a_job_is_requeued(
    database: Database, submit: Submit, connected: Scheduler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = running(database, submit)
    look = expired_leases

    def stand_still(session: Session, limit: int) -> object:
        clock.seconds += limits.LEASE_SECONDS + 1  # a connection that is frozen raises no error
        expire_leases(database)
        return look(session, limit)

    with monkeypatch.context() as frozen:
        frozen.setattr(rounds, "expired_leases", stand_still)
        assert connected.round()
    assert connected.round()
    assert job(database, claim.job_id).state == JobState.RUNNING
    pass_a_lease(connected, clock)
    assert connected.round()
    assert job(database, claim.job_id).state == JobState.QUEUED, "no worker has extended it meanwhile"


def test_a_lease_that_ends_in_an_outage_of_the_database_is_no_fault_of_the_job_or_its_worker(
    database: Database, submit: Submit, connected: Scheduler, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submit()

    def lose_by_outage() -> JobState:
        seen(database, "w1")
        assert take(database).job_id == job_id
        with monkeypatch.context() as outage:
            outage.setattr(rounds, "expired_leases", unavailable)
            assert not connected.round()
        expire_leases(database)
        assert connected.round()
        assert job(database, job_id).state == JobState.RUNNING, "one lease passes"
        pass_a_lease(connected, clock)
        assert connected.round()
        return JobState(job(database, job_id).state)

    for _ in range(limits.MAX_WORKER_FAULTS - 1):
        assert lose_by_outage() == JobState.QUEUED
        assert job(database, job_id).lost_attempts == 0
    assert lose_by_outage() == JobState.FAILED, "a job may be what ends the database"
    error = job(database, job_id).error
    assert error is not None
    assert error["type"] == "database"
    reason = "the database was unavailable, so worker w1 could not extend its lease"
    assert error["message"] == f"lost 6 times in a row without a new finished block; last: {reason}"


def test_a_lease_that_was_extended_after_an_outage_is_lost_by_its_worker(
    database: Database,
    submit: Submit,
    connected: Scheduler,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as outage:
        outage.setattr(rounds, "expired_leases", unavailable)
        assert not connected.round()
    assert "the database is unavailable (terminating connection due to administrator command)" in caplog.text
    assert connected.round()
    claim = running(database, submit)
    for _ in range(2):
        pass_a_lease(connected, clock)
        assert connected.round()
    a_moment_ago = text("now() - interval '1 second'")
    with database.begin() as session:
        session.execute(update(Lease).values(expires_at=a_moment_ago))
    assert connected.round()
    assert job(database, claim.job_id).lost_attempts == 1


def test_cut_connections_are_replaced(
    database: Database,
    submit: Submit,
    scheduler: Scheduler,
    broker: redis.Redis,
    cut_connections: Callable[[], None],
) -> None:
    scheduler.round()
    cut_connections()
    seen(database, "w1")
    submit()
    while not scheduler.round():
        pass
    assert messages(broker) == 1


def test_it_waits_while_the_database_is_read_only(
    engine: Engine, database: Database, scheduler: Scheduler
) -> None:
    """As one is after a failover, and where a managed server's disk is full."""

    def turn(value: str) -> None:
        with database.begin() as session:
            session.execute(text("SET TRANSACTION READ WRITE"))
            name = session.scalar(text("SELECT current_database()"))
            session.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = {value}"))

    turn("on")
    engine.dispose()
    for _ in range(3):
        assert not scheduler.round()
    turn("off")
    while not scheduler.round():
        pass


def test_it_waits_while_the_schema_is_another_one(
    database: Database,
    submit: Submit,
    scheduler: Scheduler,
    broker: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen(database, "w1")
    submit()
    with database.begin() as session:
        session.execute(text("ALTER TABLE leases RENAME expires_at TO another"))
    assert not scheduler.round()
    assert "the database has another schema than this version needs (column" in caplog.text
    with database.begin() as session:
        session.execute(text("ALTER TABLE leases RENAME another TO expires_at"))
    assert scheduler.round()
    assert messages(broker) == 1


def test_a_job_that_is_being_cancelled_ends_with_a_dead_worker(
    database: Database, submit: Submit, connected: Scheduler
) -> None:
    claim = running(database, submit)
    with database.begin() as session:
        owner_moves.cancel(session, "ada", claim.job_id)
    expire_leases(database)
    connected.round()
    assert job(database, claim.job_id).state == JobState.CANCELLED


def lose(database: Database, scheduler: Scheduler, job_id: UUID, *, whole_worker: bool) -> JobState:
    """Let the lease of the only job expire, and return the state that the job has then."""
    seen(database, "w1")
    assert take(database).job_id == job_id
    expire_leases(database)
    with database.begin() as session:
        if whole_worker:
            session.execute(update(Worker).values(seen_at=LONG_AGO))
    scheduler.round()
    return JobState(job(database, job_id).state)


def test_attempts_of_dead_workers_are_not_counted_as_lost(
    database: Database, submit: Submit, connected: Scheduler
) -> None:
    assert (limits.MAX_LOST_ATTEMPTS, limits.MAX_WORKER_FAULTS) == (3, 6)
    job_id = submit()
    for _ in range(3):
        assert lose(database, connected, job_id, whole_worker=True) == JobState.QUEUED
    assert job(database, job_id).lost_attempts == 0
    for _ in range(2):
        assert lose(database, connected, job_id, whole_worker=False) == JobState.QUEUED
    assert lose(database, connected, job_id, whole_worker=False) == JobState.FAILED


def test_a_job_that_ends_its_workers_fails(database: Database, submit: Submit, connected: Scheduler) -> None:
    poison = submit()
    for lost in range(1, limits.MAX_WORKER_FAULTS + 1):
        expected = JobState.QUEUED if lost < limits.MAX_WORKER_FAULTS else JobState.FAILED
        assert lose(database, connected, poison, whole_worker=True) == expected
    error = job(database, poison).error
    assert error is not None
    assert error["message"] == ("lost 6 times in a row without a new finished block; last: worker w1 is gone")
    with database.begin() as session:
        assert owner_moves.retry(session, "ada", poison)
        backlog.record_needs(session, poison, None)
    assert lose(database, connected, poison, whole_worker=True) == JobState.QUEUED


@pytest.mark.parametrize("gets_on", [True, False], ids=["new blocks", "one block again and again"])
def test_a_job_whose_workers_die_continues_while_new_blocks_are_finished(
    database: Database, submit: Submit, connected: Scheduler, gets_on: bool
) -> None:
    """Machines that are not alike compute a block again, each under a key of its own: that is no progress."""
    job_id, states = submit(), []
    for number in range(limits.MAX_WORKER_FAULTS + 1):
        seen(database, "w1")
        claim = take(database)
        with database.begin() as session:
            shard, block = StoredFile(f"shard-{number}", 1, "0" * 64), number if gets_on else 0
            assert attempt_files.record_block(
                session, claim, "prune", block, shard, {"device": f"gpu {number % 2}"}
            )
        expire_leases(database)
        with database.begin() as session:
            session.execute(update(Worker).values(seen_at=LONG_AGO))
        connected.round()
        states.append(job(database, job_id).state)
        if states[-1] == JobState.FAILED:
            break
    assert states[-1] == (JobState.QUEUED if gets_on else JobState.FAILED)


def test_the_process_starts_without_torch_and_ends_on_sigterm(
    environment: Settings, database: Database, submit: Submit, broker: redis.Redis
) -> None:
    first = submit()
    seen(database, "w1")
    nobody = f"postgresql://somebody@{LOOPBACK}:{free_port()}/nothing"
    place = {"DATABASE_LISTEN_URL": nobody, "TZ": "Asia/Kolkata"} | with_limits(HEARTBEAT_SECONDS=0.2)
    program = (
        "import sys, runpy\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None  # an import of them fails\n"
        "runpy.run_module('scheduler', run_name='__main__')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | place, stderr=subprocess.PIPE, text=True
    )
    try:
        eventually(lambda: messages(broker) == 1 or process.poll() is not None, every=0.05)
        with database.begin() as session:
            assert owner_moves.cancel(session, "ada", first)
        broker.delete(QUEUE)
        seen(database, "w1")
        submit()  # of which no notification reaches the scheduler
        eventually(lambda: messages(broker) == 1 or process.poll() is not None, every=0.05)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    for secret in (environment.database_url, environment.broker_url):
        assert secret.get_secret_value() not in log
    check_times(log)
