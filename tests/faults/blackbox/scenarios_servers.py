"""A broker that is flushed, stopped or flooded, and a database that is restarted."""

import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.faults.blackbox.recipes import FULL, SHORT
from tests.faults.blackbox.service import Service
from tests.faults.blackbox.verdict import Judge

pytestmark = pytest.mark.slow

DOWN_SECONDS = 3.0
JUNK = 3000


def test_a_flushed_broker(service: Service, judge: Judge) -> None:
    with judge.scenario("broker flushed, 5 jobs waiting") as scenario:
        flush_with_jobs_waiting(service, scenario.jobs)


def test_a_broker_that_is_stopped_and_started(service: Service, judge: Judge) -> None:
    with judge.scenario(f"broker stopped for {DOWN_SECONDS:g} s") as scenario:
        job = service.submit(FULL)
        scenario.jobs += [job]
        assert service.wait_for_stage(job, "gradients")
        with service.processes.not_restarted():
            service.processes.find("valkey").send_signal(signal.SIGTERM)
            time.sleep(DOWN_SECONDS)
            scenario.jobs += [service.submit(SHORT) for _ in range(3)]


def test_a_broker_that_is_flooded(service: Service, judge: Judge) -> None:
    """Half of the junk are copies of a message that was right once, half are for an unknown task."""
    with judge.scenario(f"broker flooded with {JUNK} messages") as scenario, service.broker() as broker:
        queue, message = _next_message(service, scenario.jobs)
        copies = [_copy(message, task=None if number % 2 else "no.such.task") for number in range(JUNK)]
        broker.lpush(queue, *copies)
        scenario.jobs += [service.submit(SHORT) for _ in range(3)]


def test_a_database_that_is_restarted(service: Service, judge: Judge) -> None:
    with judge.scenario(f"database stopped for {DOWN_SECONDS:g} s, 10 submits") as scenario:
        scenario.most_attempts = 2
        job = service.submit(FULL)
        scenario.jobs += [job]
        assert service.wait_for_stage(job, "gradients")
        owner = service.new_owner()
        with ThreadPoolExecutor(10) as pool:
            with service.processes.not_restarted():
                service.processes.find("postgres").send_signal(signal.SIGINT)
                submits = [pool.submit(service.submit, SHORT, owner) for _ in range(10)]
                time.sleep(DOWN_SECONDS)
            scenario.jobs += [submit.result() for submit in submits]


def flush_with_jobs_waiting(service: Service, jobs: list[Any]) -> None:
    """Empty the broker while one job runs and five wait, and once more when the next one is due."""
    running = service.submit(FULL)
    jobs += [running]
    assert service.wait_for_stage(running, "gradients")
    jobs += [service.submit(SHORT) for _ in range(5)]
    with service.broker() as broker:
        broker.flushall()
        service.wait_for_end(running)
        broker.flushall()


def _next_message(service: Service, jobs: list[Any]) -> tuple[str, dict[str, Any]]:
    """Return the queue and the message by which a job is sent to a worker."""
    seen: list[tuple[str, dict[str, Any]]] = []
    with service.broker() as broker, broker.monitor() as monitor:
        listening = threading.Thread(target=lambda: seen.append(_first_push(monitor)), daemon=True)
        listening.start()
        jobs += [service.submit(SHORT)]
        listening.join(60)
    assert seen, "no message was sent for a job"
    return seen[0]


def _first_push(monitor: Any) -> tuple[str, dict[str, Any]]:
    for entry in monitor.listen():
        command, _, arguments = entry["command"].partition(" ")
        queue, _, message = arguments.partition(" ")
        if command == "LPUSH" and message.startswith("{"):
            return queue, json.loads(message)
    raise AssertionError("the broker has closed the connection")


def _copy(message: dict[str, Any], *, task: str | None) -> str:
    """Return the message with an id of its own, and for another task if one is named."""
    number = str(uuid4())
    headers = message["headers"] | {"id": number, "root_id": number}
    if task is not None:
        headers["task"] = task
    properties = message["properties"] | {"delivery_tag": number, "correlation_id": number}
    return json.dumps(message | {"headers": headers, "properties": properties})
