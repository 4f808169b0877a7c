"""Follow one job through API, scheduler and worker, from its submission to its stored model.

`python -m tools.trace_job` starts the embedded servers, submits a job on a small random model, sizes it,
wakes a worker, and runs it, all in this process. By `sys.setprofile` it records every call of a function of
ours, in any thread, that is handed the job: one of its arguments, `self` included, is

- its id, its row, its claim, its attempt, its specification or its recipe, or a part of one of these, or
- an object of ours that has one of them as an attribute.

Methods of the specification, of the recipe and of their parts are not counted: they hand them to nothing.
"""

import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any
from uuid import UUID

from fastapi.testclient import TestClient
from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker

import jobs.settings
import migrations
from api.app import create_app
from api.schemas.job_requests import JobRequest
from cli.embedded.postgres import Postgres
from cli.embedded.valkey import Valkey
from jobs import broker
from jobs.access import api_keys
from jobs.database import engine_from, sessions
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import workers
from jobs.queue.resources import Capacity
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import JobState
from jobs.tables import Job
from pruning.recipe import Evaluation, Recipe
from scheduler.new_jobs import FileChecks, Sizing
from scheduler.rounds import Scheduler
from tests.small_model import write_small_model
from worker.identity import Identity
from worker.run_job import run_next

PACKAGES = ("api", "jobs", "scheduler", "worker", "pruning")
_WAKE_UP_TIMEOUT = 120.0  # seconds
_VARARGS, _VARKEYWORDS = 0x04, 0x08
_ROOT = f"{Path(jobs.__file__).parents[1]}/"
_TRACED_TYPES = (JobRequest, JobSpec, Recipe, Evaluation, Job, Claim)


class _Tracer:
    """A profile function that records the files of the calls that are handed the job."""

    def __init__(self) -> None:
        self.files: dict[str, None] = {}
        self._paths: dict[str, str | None] = {}
        self.job_id: UUID | None = None

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        name = frame.f_code.co_filename
        if name not in self._paths:
            self._paths[name] = _file_of(name)
        file = self._paths[name]
        if file is None or file in self.files or isinstance(frame.f_locals.get("self"), BaseModel):
            return
        if any(map(self._holds, _arguments_of(frame))):
            self.files[file] = None

    def _is_traced(self, value: object) -> bool:
        if isinstance(value, UUID):
            return value == self.job_id
        is_part = isinstance(value, BaseModel) and type(value).__module__.startswith("pruning.recipe")
        return is_part or isinstance(value, _TRACED_TYPES)

    def _holds(self, value: object) -> bool:
        if self._is_traced(value):
            return True
        if type(value).__module__.partition(".")[0] not in PACKAGES:
            return False
        slots = (getattr(value, name, None) for name in getattr(type(value), "__slots__", ()))
        return any(map(self._is_traced, (*getattr(value, "__dict__", {}).values(), *slots)))


def _arguments_of(frame: FrameType) -> list[Any]:
    """Return the arguments of a call that is about to begin."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & _VARARGS) + bool(code.co_flags & _VARKEYWORDS)
    return [frame.f_locals.get(name) for name in code.co_varnames[:count]]


def _file_of(name: str) -> str | None:
    path = name.removeprefix(_ROOT)
    return path if path != name and path.partition("/")[0] in PACKAGES else None


@contextmanager
def _traced(tracer: _Tracer) -> Iterator[None]:
    before = sys.getprofile()
    threading.setprofile(tracer)  # of threads that begin from now on
    sys.setprofile(tracer)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def trace(settings: Settings, model: Path) -> list[str]:
    """Return the files that a job on `model` enters, in order. `settings` are those of this process."""
    engine = engine_from(settings, pool_size=5)
    database = sessions(engine)
    worker, tracer = Identity.new(), _Tracer()
    with database.begin() as session:
        key = api_keys.create(session, "ada", "trace")
        workers.record_worker_heartbeat(session, worker.name, "cpu")
        has = Capacity(host_bytes=2**40, scratch_bytes=2**40)
        workers.record_capacity(session, worker.name, "cpu", has)
    request = {
        "model": str(model),
        "method": "gblm",
        "sparsity": 0.5,
        "calibration": {"dataset": "builtin", "samples": 3, "sequence_length": 24},
        "evaluation": {"dataset": "builtin", "windows": 2, "sequence_length": 24},
    }
    with _traced(tracer):
        with TestClient(create_app(settings)) as client:
            answer = client.post("/v1/jobs", json=request, headers={"Authorization": f"Bearer {key}"})
        tracer.job_id = UUID(answer.json()["id"])
        _schedule(database, settings)
        run_next(settings, worker, "trace")
    with database.begin() as session:
        job = session.get_one(Job, tracer.job_id)
        if job.state != JobState.SUCCEEDED:
            raise RuntimeError(f"the traced job is {job.state}: {job.error}")
    engine.dispose()
    return [*tracer.files]


def _schedule(database: sessionmaker[Session], settings: Settings) -> None:
    """Do with the queued job what a scheduler does in its rounds, until a worker is woken."""
    checks, sizing = FileChecks(database, settings), Sizing(database, settings)
    scheduler = Scheduler(database)
    deadline = time.monotonic() + _WAKE_UP_TIMEOUT
    while not broker.length("cpu"):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no worker was woken within {_WAKE_UP_TIMEOUT:g} s")
        for rounds in (checks, sizing, scheduler):
            rounds.round()
        time.sleep(0.1)
    for threads in (checks, sizing):
        threads.stop()
    broker.purge("cpu")


def main() -> None:
    """Print the files that a job enters, and how many there are in each package."""
    with TemporaryDirectory() as directory:
        place = Path(directory)
        write_small_model(place / "model")
        (place / "store").mkdir()
        with Postgres(place / "postgres") as postgres, Valkey(place / "valkey") as valkey:
            migrations.upgrade(postgres.url)
            os.environ |= {
                "DATABASE_URL": postgres.url,
                "BROKER_URL": valkey.url,
                "STORE_URL": f"file://{place}/store",
                "PRUNESERVE_WORK_DIR": str(place / "work"),
                "PRUNESERVE_MODEL_ROOTS": str(place),
                "PRUNESERVE_ALLOWED_HOSTS": "testserver",
            }
            found = trace(jobs.settings.settings(), place / "model")
    print("\n".join(found))
    by_package = Counter(file.partition("/")[0] for file in found)
    print(f"{len(found)} files: {', '.join(f'{count} in {name}' for name, count in by_package.items())}")


if __name__ == "__main__":
    main()
