"""The dispatcher on a real database and broker: short queues, no lost jobs, no lease taken back too early."""

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
from jobs.fleet import dispatch_queue
from jobs.lifecycle import finished_blocks, lifecycle, owner_moves
from jobs.lifecycle.events import JobError
from jobs.settings import Settings
from jobs.states import JobState
from jobs.storage.store import StoredFile
from jobs.tables import NOW, Job, Lease, Worker
from jobs.tables import Dispatcher as DispatcherRow
from worker.broker.app import app
from worker.dispatch import Dispatcher

Database = sessionmaker[Session]
Submit = Callable[[], UUID]

QUEUE = "prune"
LONG_AGO = text("now() - interval '1 hour'")


@pytest.fixture
def broker(environment: Settings, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    monkeypatch.setattr(app.conf, "broker_url", environment.broker_url.get_secret_value())
    return redis.Redis.from_url(environment.broker_url.get_secret_value())


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Two jobs are published even where no worker is idle."""
    return settings.model_copy(update={"queue_backlog": 2})


class Clock:
    """The dispatcher's clock, which tests set."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dispatcher(database: Database, settings: Settings, broker: redis.Redis, clock: Clock) -> Dispatcher:
    return Dispatcher(database, settings, clock=clock)


@pytest.fixture
def connected(dispatcher: Dispatcher, settings: Settings, clock: Clock) -> Dispatcher:
    """A dispatcher that has been connected for a whole lease."""
    assert dispatcher.round()
    pass_a_lease(dispatcher, clock, settings)
    return dispatcher


def pass_a_lease(dispatcher: Dispatcher, clock: Clock, settings: Settings) -> None:
    """Let the time of a lease pass, with a round in between, so that the dispatcher never stood still."""
    clock.seconds += settings.lease_seconds / 2
    dispatcher.round()
    clock.seconds += settings.lease_seconds / 2


def published(broker: redis.Redis) -> list[UUID]:
    """The job ids in the broker's queue, the oldest first."""
    bodies = [json.loads(message)["body"] for message in reversed(broker.lrange(QUEUE, 0, -1))]
    return [UUID(json.loads(base64.b64decode(body))[0][0]) for body in bodies]


def seen(database: Database, *names: str) -> None:
    with database.begin() as session:
        for name in names:
            dispatch_queue.worker_seen(session, name, QUEUE)


def job(database: Database, job_id: UUID) -> Job:
    with database.begin() as session:
        return session.get_one(Job, job_id)


def take(database: Database, job_id: UUID) -> lifecycle.Claim:
    with database.begin() as session:
        claim = lifecycle.claim(session, job_id, "w1", 30)
    assert claim is not None
    return claim


def expire_leases(database: Database) -> None:
    with database.begin() as session:
        session.execute(update(Lease).values(expires_at=LONG_AGO, look_at=LONG_AGO))


def test_a_queued_job_is_published_by_its_id_alone(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis
) -> None:
    job_id = submit()
    assert dispatcher.round()
    assert published(broker) == [job_id]
    assert job(database, job_id).dispatched_at is not None
    dispatcher.round()
    assert published(broker) == [job_id]


def test_the_backlog_stays_in_the_database(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis, settings: Settings
) -> None:
    jobs = [submit() for _ in range(10)]
    seen(database, "w1", "w2", "w3")
    dispatcher.round()
    dispatcher.round()
    assert published(broker) == jobs[: 3 + settings.queue_backlog]
    claim = take(database, jobs[0])
    dispatcher.round()
    assert published(broker) == jobs[: 3 + settings.queue_backlog], "the worker is not idle any more"
    with database.begin() as session:
        assert lifecycle.succeed(session, claim, None, [])
    dispatcher.round()
    assert published(broker) == jobs[: 4 + settings.queue_backlog]


def test_nothing_is_published_while_no_worker_is_idle(
    database: Database, submit: Submit, broker: redis.Redis, settings: Settings
) -> None:
    dispatcher = Dispatcher(database, settings.model_copy(update={"queue_backlog": 0}))
    jobs = [submit() for _ in range(3)]
    dispatcher.round()
    assert published(broker) == []
    seen(database, "w1")
    dispatcher.round()
    assert published(broker) == jobs[:1]
    claim = take(database, jobs[0])
    dispatcher.round()
    assert published(broker) == jobs[:1]
    with database.begin() as session:
        assert lifecycle.hand_back(session, claim, "the worker shuts down")
    dispatcher.round()
    assert published(broker) == [jobs[0], jobs[0]], "it comes back to its place"


def test_a_job_that_comes_back_keeps_its_place(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis, settings: Settings
) -> None:
    first, *others = [submit() for _ in range(settings.queue_backlog + 1)]
    claim = take(database, first)
    with database.begin() as session:
        lifecycle.hand_back(session, claim, "the worker shuts down")
    dispatcher.round()
    assert published(broker) == [first, *others][: settings.queue_backlog]


def test_a_job_that_waits_for_the_hub_is_published_when_its_next_try_is_due(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis
) -> None:
    waiting, other = submit(), submit()
    with database.begin() as session:
        error = JobError(type="unreachable", message="the Hub did not answer")
        claim = lifecycle.claim(session, waiting, "w1", 30)
        assert claim is not None
        assert lifecycle.requeue_while_unreachable(session, claim, error, 3600.0)
    dispatcher.round()
    assert published(broker) == [other]
    with database.begin() as session:
        session.execute(update(Job).where(Job.id == waiting).values(next_try_at=NOW))
    dispatcher.round()
    assert published(broker) == [other, waiting]


def test_workers_that_were_not_seen_for_a_lease_do_not_count(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis, settings: Settings
) -> None:
    jobs = [submit() for _ in range(5)]
    seen(database, "dead")
    with database.begin() as session:
        session.execute(update(Worker).values(seen_at=text("now() - interval '31 seconds'")))
    dispatcher.round()
    assert published(broker) == jobs[: settings.queue_backlog]


def test_workers_that_are_long_gone_are_forgotten(database: Database, dispatcher: Dispatcher) -> None:
    seen(database, "dead", "alive")
    with database.begin() as session:
        long_ago = text("now() - interval '1 day'")
        session.execute(update(Worker).where(Worker.name == "dead").values(seen_at=long_ago))
    dispatcher.round()
    with database.begin() as session:
        assert session.scalars(select(Worker.name)).all() == ["alive"]


def test_a_message_that_the_broker_lost_is_published_again(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis
) -> None:
    job_id = submit()
    dispatcher.round()
    broker.flushall()
    dispatcher.round()
    assert published(broker) == [], "the message may still be on its way"
    with database.begin() as session:
        session.execute(update(Job).values(dispatched_at=LONG_AGO))
    dispatcher.round()
    assert published(broker) == [job_id]


def test_a_message_that_waits_in_the_broker_is_not_duplicated(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis
) -> None:
    job_id = submit()
    dispatcher.round()
    with database.begin() as session:
        session.execute(update(Job).values(dispatched_at=LONG_AGO))
    dispatcher.round()
    assert published(broker) == [job_id]


def test_without_a_broker_leases_still_expire_and_no_job_is_marked_as_published(
    database: Database, submit: Submit, connected: Dispatcher, valkey: Valkey, broker: redis.Redis
) -> None:
    lost = take(database, submit())
    expire_leases(database)
    valkey.stop()
    try:
        assert not connected.round()
        waiting = job(database, lost.job_id)
        assert (waiting.state, waiting.dispatched_at) == (JobState.QUEUED, None)
    finally:
        valkey.start()
    while not connected.round():
        pass
    assert published(broker) == [lost.job_id]


def test_a_broker_that_answers_and_takes_nothing_is_silent_since_it_took_the_last(
    database: Database, submit: Submit, dispatcher: Dispatcher, broker: redis.Redis
) -> None:
    def since() -> datetime | None:
        with database.begin() as session:
            return session.scalars(select(DispatcherRow.broker_away_since)).one()

    job_id = submit()
    most = broker.config_get("maxmemory")["maxmemory"]
    broker.config_set("maxmemory", 1)
    try:
        assert not dispatcher.round()
        silent_since = since()
        assert silent_since is not None
        assert not dispatcher.round()
        assert since() == silent_since
    finally:
        broker.config_set("maxmemory", most)
    assert dispatcher.round()
    assert (since(), published(broker)) == (None, [job_id])


def test_it_tells_that_the_broker_is_silent_until_it_answers_even_if_nothing_is_left_to_publish(
    database: Database, submit: Submit, dispatcher: Dispatcher, valkey: Valkey, broker: redis.Redis
) -> None:
    def since() -> datetime | None:
        with database.begin() as session:
            return session.scalars(select(DispatcherRow.broker_away_since)).one()

    job_id = submit()
    valkey.stop()
    try:
        assert not dispatcher.round()
        silent_since = since()
        assert silent_since is not None
        with database.begin() as session:
            assert owner_moves.cancel(session, "ada", job_id)
        assert not dispatcher.round()
        assert since() == silent_since
    finally:
        valkey.start()
    while not dispatcher.round():
        pass
    assert since() is None


def test_dispatchers_at_once_publish_each_job_once(
    database: Database, submit: Submit, broker: redis.Redis, settings: Settings
) -> None:
    jobs = {submit() for _ in range(20)}
    seen(database, *map(str, range(20)))

    def rounds(_: int) -> None:
        dispatcher = Dispatcher(database, settings)
        for _ in range(5):
            dispatcher.round()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(rounds, range(4)))
    assert len(published(broker)) == 20
    assert set(published(broker)) == jobs


def test_a_job_is_taken_back_once_its_worker_has_had_time_to_extend_the_lease(
    database: Database, submit: Submit, dispatcher: Dispatcher, settings: Settings, clock: Clock
) -> None:
    claim = take(database, submit())
    expire_leases(database)
    dispatcher.round()
    assert job(database, claim.job_id).state == JobState.RUNNING, "the dispatcher has only just started"
    pass_a_lease(dispatcher, clock, settings)
    dispatcher.round()
    waiting = job(database, claim.job_id)
    assert (waiting.state, waiting.lost_attempts) == (JobState.QUEUED, 1)
    assert waiting.dispatched_at is not None, "it has been published again"


def test_a_lease_that_holds_is_left_alone(database: Database, submit: Submit, connected: Dispatcher) -> None:
    claim = take(database, submit())
    connected.round()
    assert job(database, claim.job_id).state == JobState.RUNNING


def test_after_an_outage_of_the_database_a_whole_lease_passes_before_a_job_is_taken_back(
    database: Database, submit: Submit, connected: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = take(database, submit())
    with monkeypatch.context() as outage:
        outage.setattr(dispatch_queue, "expired_leases", _database_is_unavailable)
        assert not connected.round()
    expire_leases(database)
    assert connected.round()
    assert job(database, claim.job_id).state == JobState.RUNNING


def test_after_a_database_stood_still_a_whole_lease_passes_before_a_job_is_taken_back(
    database: Database,
    submit: Submit,
    connected: Dispatcher,
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    claim = take(database, submit())
    look = dispatch_queue.expired_leases

    def stand_still(session: Session, limit: int) -> object:
        clock.seconds += settings.lease_seconds + 1  # a connection that is frozen raises no error
        expire_leases(database)
        return look(session, limit)

    with monkeypatch.context() as frozen:
        frozen.setattr(dispatch_queue, "expired_leases", stand_still)
        assert connected.round()
    assert connected.round()
    assert job(database, claim.job_id).state == JobState.RUNNING
    pass_a_lease(connected, clock, settings)
    assert connected.round()
    assert job(database, claim.job_id).state == JobState.QUEUED, "no worker has extended it meanwhile"


def _database_is_unavailable(*anything: object) -> None:
    raise OperationalError("SELECT", {}, Exception("terminating connection due to administrator command"))


def test_cut_connections_are_replaced(
    submit: Submit, dispatcher: Dispatcher, broker: redis.Redis, cut_connections: Callable[[], None]
) -> None:
    dispatcher.round()
    cut_connections()
    job_id = submit()
    while not dispatcher.round():
        pass
    assert published(broker) == [job_id]


def test_it_waits_while_the_schema_is_another_one(
    database: Database,
    submit: Submit,
    dispatcher: Dispatcher,
    broker: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    job_id = submit()
    with database.begin() as session:
        session.execute(text("ALTER TABLE leases RENAME look_at TO another"))
    assert not dispatcher.round()
    assert "the database has another schema than this version needs (column" in caplog.text
    with database.begin() as session:
        session.execute(text("ALTER TABLE leases RENAME another TO look_at"))
    assert dispatcher.round()
    assert published(broker) == [job_id]


def test_a_job_that_is_being_cancelled_ends_with_a_dead_worker(
    database: Database, submit: Submit, connected: Dispatcher
) -> None:
    claim = take(database, submit())
    with database.begin() as session:
        owner_moves.cancel(session, "ada", claim.job_id)
    expire_leases(database)
    connected.round()
    assert job(database, claim.job_id).state == JobState.CANCELLED


def test_a_job_with_too_many_lost_attempts_fails_and_the_queue_moves_on(
    database: Database, submit: Submit, connected: Dispatcher, broker: redis.Redis, settings: Settings
) -> None:
    poison = submit()
    for _ in range(settings.max_lost_attempts):
        take(database, poison)
        expire_leases(database)
        seen(database, "w1")  # the worker is there, and its job lets the lease expire
        connected.round()
    assert job(database, poison).state == JobState.FAILED
    next_one = submit()
    connected.round()
    assert next_one in published(broker)


def lose(database: Database, dispatcher: Dispatcher, job_id: UUID, *, whole_worker: bool) -> JobState:
    """Let a job's lease expire, and say which state the job has then."""
    take(database, job_id)
    expire_leases(database)
    with database.begin() as session:
        dispatch_queue.worker_seen(session, "w1", QUEUE)
        if whole_worker:
            session.execute(update(Worker).values(seen_at=LONG_AGO))
    dispatcher.round()
    return JobState(job(database, job_id).state)


def test_attempts_whose_worker_died_do_not_count_among_those_that_the_job_lost(
    database: Database, submit: Submit, connected: Dispatcher, settings: Settings
) -> None:
    assert (settings.max_lost_attempts, settings.max_worker_faults) == (3, 6)
    job_id = submit()
    for _ in range(3):
        assert lose(database, connected, job_id, whole_worker=True) == JobState.QUEUED
    assert job(database, job_id).lost_attempts == 0
    for _ in range(2):
        assert lose(database, connected, job_id, whole_worker=False) == JobState.QUEUED
    assert lose(database, connected, job_id, whole_worker=False) == JobState.FAILED


def test_a_job_that_ends_its_workers_fails_and_one_that_gets_on_meanwhile_does_not(
    database: Database, submit: Submit, connected: Dispatcher, settings: Settings
) -> None:
    poison, long = submit(), submit()
    for lost in range(1, settings.max_worker_faults + 1):
        expected = JobState.QUEUED if lost < settings.max_worker_faults else JobState.FAILED
        assert lose(database, connected, poison, whole_worker=True) == expected
    error = job(database, poison).error
    assert error is not None
    assert error["message"] == ("lost 6 times in a row without a new finished block; last: worker w1 is gone")
    with database.begin() as session:
        assert owner_moves.retry(session, "ada", poison)
    assert lose(database, connected, poison, whole_worker=True) == JobState.QUEUED
    for block in range(2 * settings.max_worker_faults):
        claim = take(database, long)
        with database.begin() as session:
            shard = StoredFile(f"shard-{block}", 1, "0" * 64)
            assert finished_blocks.keep(session, claim, "prune", block, shard, {})
        expire_leases(database)
        connected.round()
        assert job(database, long).state == JobState.QUEUED


def test_the_process_starts_without_torch_and_ends_on_sigterm(
    environment: Settings, database: Database, submit: Submit, broker: redis.Redis
) -> None:
    job_id = submit()
    seen(database, "w1")
    program = (
        "import sys, runpy\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None  # an import of them fails\n"
        "runpy.run_module('worker.dispatch', run_name='__main__')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while published(broker) != [job_id]:
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
