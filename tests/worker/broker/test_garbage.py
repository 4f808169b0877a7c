"""A real worker whose queue is full of garbage goes on: it drops what is no job's id, and runs a job."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from sqlalchemy.orm import Session, sessionmaker

from jobs.settings import Settings
from jobs.states import JobState
from jobs.tables import Job
from worker.broker.app import RUN_JOB, app, publish

ROOT = Path(__file__).parents[3]
HEADERS = {"lang": "py", "task": RUN_JOB, "id": "an-id"}


def message(
    body: object = None,
    *,
    raw: object = None,
    headers: object = HEADERS,
    properties: object = None,
    **more: object,
) -> bytes:
    """A message as kombu stores it, with these parts replaced; `raw` is a body that is not encoded."""
    whole: dict[str, Any] = {
        "body": raw or base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": "an-id",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "prune"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid4()),
        },
    }
    if isinstance(properties, dict):
        whole["properties"] |= properties
    elif properties is not None:
        whole["properties"] = properties
    return json.dumps(whole | more).encode()


JOB = ([str(UUID(int=7))], {}, {})  # of a job that does not exist

GARBAGE = [
    *(b"garbage", b"", b"\0\0", b"\xff\xfe", b"null", b"1", b'"text"', b"[]", b"{}", b"[" * 100_000),
    b'{"__type__": "uuid", "__value__": 5}',
    *(message(body) for body in ([[5], {}, {}], [["no id"], {}, {}], [[], {}, {}], {}, 5, "text", None)),
    *(message(raw=raw) for raw in ("!!", 5, ["x"], "eHh4", "x" * 5_000_000)),
    *(message(JOB, headers=headers) for headers in (None, [], "x", {}, {"task": [1]}, {"task": "os.system"})),
    *(
        message(JOB, headers=HEADERS | more)
        for more in (
            *({"id": None}, {"id": [5]}, {"eta": "never"}, {"eta": [1]}, {"expires": "x"}, {"retries": "x"}),
            *({"timelimit": 5}, {"timelimit": ["a", "b"]}, {"compression": "zlib"}, {"group": {}}),
            *({"stamps": 5, "stamped_headers": 7}, {"eta": "2999-01-01T00:00:00"}, {"task": "\x1b[2J\nfake"}),
        )
    ),
    *(
        message(JOB, properties=more)
        for more in (
            *({"delivery_info": None}, {"delivery_tag": [1]}, {"delivery_tag": None}, {"priority": "x"}),
            *({"body_encoding": "zip"}, {"body_encoding": [1]}, {"reply_to": "x"}),
        )
    ),
    *(message(JOB, properties=value) for value in (None, [], 5)),
    *(message(JOB, **{"content-type": value}) for value in ("application/x-python-serialize", [1], None)),
    *(message(JOB, **{"content-encoding": value}) for value in ("rot13", "nothing", [1])),
]


@pytest.mark.threat
def test_a_worker_survives_a_queue_of_garbage(
    environment: Settings,
    database: sessionmaker[Session],
    submit: Callable[[], UUID],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    broker = environment.broker_url.get_secret_value()
    monkeypatch.setattr(app.conf, "broker_url", broker)
    client = redis.Redis.from_url(broker)
    for piece in GARBAGE:
        client.lpush("prune", piece)
    job_id = submit()
    publish("prune", job_id)
    log = tmp_path / "worker.log"
    with log.open("wb") as file:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.worker.supervision.sick_worker"],
            cwd=ROOT,
            env=os.environ | {"PRUNESERVE_QUEUES": "prune"},
            stdout=file,
            stderr=file,
        )
    try:
        deadline = time.monotonic() + 90
        while state(database, job_id) != JobState.SUCCEEDED:
            assert worker.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.05)
        assert worker.poll() is None
    finally:
        worker.kill()
        worker.wait()
    assert client.llen("prune") == 0
    assert client.hlen("unacked") == 0
    assert b"\x1b" not in log.read_bytes()


def state(database: sessionmaker[Session], job_id: UUID) -> JobState:
    with database.begin() as session:
        return session.get_one(Job, job_id).state
