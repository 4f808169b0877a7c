"""Idle workers are woken for jobs that they can claim, by messages without arguments."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from sqlalchemy import text, update

from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.spec.job import JobSpec
from jobs.tables import NOW, Job, Worker
from scheduler.rounds import Scheduler
from tests.conftest import Submit
from tests.jobs.queue.fleet import CPU, GPU_80G, LARGE, SMALL, register
from tests.jobs.queue.fleet import submit as queue_job
from tests.scheduler.scheduled import LONG_AGO, QUEUE, messages, seen, take


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


def test_each_queue_has_its_own_messages(
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


def test_all_idle_workers_of_a_queue_are_woken_where_they_are_not_alike(
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
