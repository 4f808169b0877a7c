"""The scheduler on a real database and broker: who is woken, and that no lease is taken back too early."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from uuid import UUID

import pytest
import redis
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from cli.embedded.valkey import Valkey
from jobs import limits
from jobs.broker import app
from jobs.lifecycle import finished_blocks, lifecycle, owner_moves
from jobs.queue.claim import claim_next
from jobs.queue.held_jobs import expired_leases
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.storage.store import StoredFile
from jobs.tables import NOW, Job, Lease, Worker
from jobs.tables import Scheduler as SchedulerRow
from scheduler import rounds
from scheduler.rounds import Scheduler
from tests.jobs.queue.fleet import CPU, GPU_80G, LARGE, SMALL, register
from tests.jobs.queue.fleet import submit as queue_job

Database = sessionmaker[Session]
Submit = Callable[[], UUID]

QUEUE = "cpu"
LONG_AGO = text("now() - interval '1 hour'")


@pytest.fixture
def broker(environment: Settings, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    return redis.Redis.from_url(environment.broker_url.get_secret_value())


class Clock:
    """The scheduler's clock, which tests set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def scheduler(database: Database, broker: redis.Redis, clock: Clock) -> Scheduler:
    return Scheduler(database, clock=clock)


@pytest.fixture
def connected(scheduler: Scheduler, clock: Clock) -> Scheduler:
    """A scheduler that has been connected for a whole lease."""
    assert scheduler.round()
    pass_a_lease(scheduler, clock)
    return scheduler


def pass_a_lease(scheduler: Scheduler, clock: Clock) -> None:
    """Let the time of a lease pass, with a round in between, so that the scheduler never stood still."""
    clock.seconds += limits.LEASE_SECONDS / 2
    scheduler.round()
    clock.seconds += limits.LEASE_SECONDS / 2


def messages(broker: redis.Redis, queue: str = QUEUE) -> int:
    """How many messages wait for the workers of a class."""
    return int(broker.llen(queue))


def seen(database: Database, *names: str) -> None:
    with database.begin() as session:
        for name in names:
            register(session, name)


def job(database: Database, job_id: UUID) -> Job:
    with database.begin() as session:
        return session.get_one(Job, job_id)


def take(database: Database, worker: str = "w1") -> lifecycle.Claim:
    with database.begin() as session:
        claim = claim_next(session, worker, 30)
    assert claim is not None
    return claim


def running(database: Database, submit: Submit) -> lifecycle.Claim:
    """A job that a worker has claimed."""
    seen(database, "w1")
    submit()
    return take(database)


def expire_leases(database: Database) -> None:
    with database.begin() as session:
        session.execute(update(Lease).values(expires_at=LONG_AGO, look_at=LONG_AGO))


def test_an_idle_worker_is_woken_for_a_job_by_a_message_without_arguments(
    database: Database, submit: Submit, scheduler: Scheduler, broker: redis.Redis
) -> None:
    seen(database, "w1", "w2")
    submit()
    assert scheduler.round()
    [message] = map(json.loads, broker.lrange(QUEUE, 0, -1))
    assert message["headers"]["task"] == "pruneserve.run_next"
    assert json.loads(base64.b64decode(message["body"]))[:2] == [[], {}]
    assert scheduler.round()
    assert messages(broker) == 1


def test_no_more_messages_are_sent_than_workers_are_idle_and_jobs_can_run(
    database: Database, submit: Submit, scheduler: Scheduler, broker: redis.Redis
) -> None:
    for _ in range(5):
        submit()
    scheduler.round()
    assert messages(broker) == 0, "there is no worker"
    seen(database, "w1", "w2", "w3")
    scheduler.round()
    assert messages(broker) == 3
    broker.delete(QUEUE)
    claims = [take(database, f"w{number}") for number in (1, 2, 3)]
    scheduler.round()
    assert messages(broker) == 0
    with database.begin() as session:
        for claim in claims:
            assert lifecycle.succeed(session, claim, None, [])
    scheduler.round()
    assert messages(broker) == 2, "so many jobs are left"


def test_jobs_that_cannot_run_wake_no_worker(
    database: Database, submit: Submit, scheduler: Scheduler, broker: redis.Redis
) -> None:
    seen(database, "w1")
    job_id = submit()
    with database.begin() as session:
        session.execute(update(Job).values(next_try_at=text("now() + interval '1 hour'")))
    scheduler.round()
    assert messages(broker) == 0
    with database.begin() as session:
        session.execute(update(Job).where(Job.id == job_id).values(next_try_at=NOW))
    scheduler.round()
    assert messages(broker) == 1


@pytest.mark.parametrize("change", [{"seen_at": LONG_AGO}, {"cordoned_at": NOW}, {"quarantined_at": NOW}])
def test_workers_that_are_silent_or_take_no_jobs_are_not_woken(
    database: Database, submit: Submit, scheduler: Scheduler, broker: redis.Redis, change: dict[str, object]
) -> None:
    seen(database, "w1")
    submit()
    with database.begin() as session:
        session.execute(update(Worker).values(change))
    scheduler.round()
    assert messages(broker) == 0


def test_each_class_has_its_own_messages(
    database: Database, spec: JobSpec, scheduler: Scheduler, broker: redis.Redis
) -> None:
    with database.begin() as session:
        register(session, "cpu")
        for number in range(3):
            register(session, f"gpu {number}", "gpu.80g", GPU_80G)
        for needs in (SMALL, LARGE):
            queue_job(session, spec, needs=needs)
    scheduler.round()
    assert (messages(broker), messages(broker, "gpu.80g")) == (1, 2)


def test_all_idle_workers_of_a_class_are_woken_where_they_are_not_alike(
    database: Database, spec: JobSpec, scheduler: Scheduler, broker: redis.Redis
) -> None:
    """Only one of them could run the job, and any of them may get a message."""
    with database.begin() as session:
        for number in range(3):
            register(session, f"w{number}")
        register(session, "roomy", capacity=CPU.model_copy(update={"host_bytes": 10**12}))
        queue_job(session, spec, needs=LARGE)
    scheduler.round()
    assert messages(broker) == 4


def test_a_broker_that_was_flushed_is_filled_again(
    database: Database, submit: Submit, scheduler: Scheduler, broker: redis.Redis
) -> None:
    seen(database, "w1")
    submit()
    scheduler.round()
    broker.flushall()
    scheduler.round()
    assert messages(broker) == 1


def test_a_flooded_queue_is_trimmed_and_that_is_reported(
    database: Database,
    submit: Submit,
    scheduler: Scheduler,
    broker: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen(database, "w1")
    submit()
    broker.lpush(QUEUE, *["garbage"] * 3000)
    assert scheduler.round()
    assert messages(broker) == 1
    assert "queue cpu: 3000 messages for 1 workers are deleted" in caplog.text


def test_workers_that_are_long_gone_are_forgotten(database: Database, scheduler: Scheduler) -> None:
    seen(database, "dead", "alive")
    with database.begin() as session:
        long_ago = text("now() - interval '1 day'")
        session.execute(update(Worker).where(Worker.name == "dead").values(seen_at=long_ago))
    scheduler.round()
    with database.begin() as session:
        assert session.scalars(select(Worker.name)).all() == ["alive"]


def test_without_a_broker_leases_still_expire(
    database: Database, submit: Submit, connected: Scheduler, valkey: Valkey, broker: redis.Redis
) -> None:
    seen(database, "w1")
    submit()
    lost = take(database)
    expire_leases(database)
    valkey.stop()
    try:
        assert not connected.round()
        assert job(database, lost.job_id).state == JobState.QUEUED
    finally:
        valkey.start()
    while not connected.round():
        pass
    assert messages(broker) == 1


def test_a_broker_that_answers_and_takes_nothing_is_silent_since_it_took_the_last(
    database: Database, submit: Submit, scheduler: Scheduler, broker: redis.Redis
) -> None:
    def since() -> datetime | None:
        with database.begin() as session:
            return session.scalars(select(SchedulerRow.broker_away_since)).one()

    seen(database, "w1")
    submit()
    most = broker.config_get("maxmemory")["maxmemory"]
    broker.config_set("maxmemory", 1)
    try:
        assert not scheduler.round()
        silent_since = since()
        assert silent_since is not None
        assert not scheduler.round()
        assert since() == silent_since
    finally:
        broker.config_set("maxmemory", most)
    assert scheduler.round()
    assert (since(), messages(broker)) == (None, 1)


def test_the_broker_is_recorded_as_silent_until_it_answers_even_if_nothing_is_left_to_send(
    database: Database, submit: Submit, scheduler: Scheduler, valkey: Valkey, broker: redis.Redis
) -> None:
    def since() -> datetime | None:
        with database.begin() as session:
            return session.scalars(select(SchedulerRow.broker_away_since)).one()

    seen(database, "w1")
    job_id = submit()
    valkey.stop()
    try:
        assert not scheduler.round()
        silent_since = since()
        assert silent_since is not None
        with database.begin() as session:
            assert owner_moves.cancel(session, "ada", job_id)
        assert not scheduler.round()
        assert since() == silent_since
    finally:
        valkey.start()
    while not scheduler.round():
        pass
    assert since() is None


def test_schedulers_at_once_send_no_more_than_one_would(
    database: Database, submit: Submit, broker: redis.Redis
) -> None:
    for _ in range(20):
        submit()
    seen(database, *map(str, range(15)))

    def some_rounds(_: int) -> None:
        scheduler = Scheduler(database)
        for _ in range(5):
            scheduler.round()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(some_rounds, range(4)))
    assert messages(broker) == 15


def test_a_job_is_taken_back_once_its_worker_has_had_time_to_extend_the_lease(
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


def test_a_lease_that_holds_is_left_alone(database: Database, submit: Submit, connected: Scheduler) -> None:
    claim = running(database, submit)
    connected.round()
    assert job(database, claim.job_id).state == JobState.RUNNING


def test_after_an_outage_of_the_database_a_whole_lease_passes_before_a_job_is_taken_back(
    database: Database, submit: Submit, connected: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = running(database, submit)
    with monkeypatch.context() as outage:
        outage.setattr(rounds, "expired_leases", _database_is_unavailable)
        assert not connected.round()
    expire_leases(database)
    assert connected.round()
    assert job(database, claim.job_id).state == JobState.RUNNING


def test_after_a_database_stood_still_a_whole_lease_passes_before_a_job_is_taken_back(
    database: Database,
    submit: Submit,
    connected: Scheduler,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
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


def _database_is_unavailable(*anything: object) -> None:
    raise OperationalError("SELECT", {}, Exception("terminating connection due to administrator command"))


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
        session.execute(text("ALTER TABLE leases RENAME look_at TO another"))
    assert not scheduler.round()
    assert "the database has another schema than this version needs (column" in caplog.text
    with database.begin() as session:
        session.execute(text("ALTER TABLE leases RENAME another TO look_at"))
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


def test_a_job_with_too_many_lost_attempts_fails_and_the_queue_moves_on(
    database: Database, submit: Submit, connected: Scheduler, broker: redis.Redis
) -> None:
    seen(database, "w1")
    poison = submit()
    for _ in range(limits.MAX_LOST_ATTEMPTS):
        assert take(database).job_id == poison
        expire_leases(database)
        seen(database, "w1")  # the worker is there, and its job lets the lease expire
        connected.round()
    assert job(database, poison).state == JobState.FAILED
    submit()
    connected.round()
    assert messages(broker) >= 1


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


def test_attempts_whose_worker_died_do_not_count_among_those_that_the_job_lost(
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
    assert lose(database, connected, poison, whole_worker=True) == JobState.QUEUED


@pytest.mark.parametrize("gets_on", [True, False], ids=["new blocks", "one block again and again"])
def test_a_job_whose_workers_die_goes_on_for_as_long_as_new_blocks_are_finished(
    database: Database, submit: Submit, connected: Scheduler, gets_on: bool
) -> None:
    """Machines that are not alike compute a block again, each under a key of its own: that is no progress."""
    job_id, states = submit(), []
    for number in range(limits.MAX_WORKER_FAULTS + 1):
        seen(database, "w1")
        claim = take(database)
        with database.begin() as session:
            shard, block = StoredFile(f"shard-{number}", 1, "0" * 64), number if gets_on else 0
            assert finished_blocks.keep(
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
    submit()
    seen(database, "w1")
    program = (
        "import sys, runpy\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None  # an import of them fails\n"
        "runpy.run_module('scheduler', run_name='__main__')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while messages(broker) != 1:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    for secret in (environment.database_url, environment.broker_url):
        assert secret.get_secret_value() not in log.decode()
