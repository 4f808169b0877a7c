"""The service as real processes: a scheduler, workers that can be killed, and a small model to prune."""

import os
import pydoc_data.topics
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from uuid import UUID

import httpx
import psutil
from sqlalchemy import func, update

from cli.embedded.process import free_port
from cli.embedded.services import Api, Service, Worker
from jobs import queries
from jobs.access import api_keys
from jobs.database import Database
from jobs.lifecycle import events, owner_moves
from jobs.lifecycle.events import Event
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import ENDED
from jobs.tables import Artifact, Job, Lease
from pruning.recipe import Stage
from tests.eventually import eventually
from tests.limits import with_limits

LEASE_SECONDS = 10.0
"""Of the processes of a stack."""

TIMEOUT_SECONDS = 280.0
_ROOT = Path(__file__).parents[1]


@dataclass
class Stack:
    """A whole service: its processes, and the calls that a client makes."""

    directory: Path
    environment: dict[str, str]
    database: Database
    model: Path
    calibration: Path
    processes: list[Service] = field(default_factory=list)
    metrics: dict[str, str] = field(default_factory=dict)
    """Where each part serves its metrics."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.stop()

    def limit(self, **values: float) -> None:
        """Let the processes that are started from now on have these `jobs.limits`."""
        self.environment |= with_limits(self.environment, **values)

    def start_scheduler(self) -> Service:
        return self._start(
            Service("scheduler", self._directory(), ["scheduler"], self._environment("scheduler"))
        )

    def start_worker(self, **environment: str) -> Service:
        return self._start(Worker(self._directory(), self._environment("worker") | environment))

    def start_api(self) -> httpx.Client:
        """Start the API and return a client with an API key of the owner `ada`."""
        api = Api(self._directory(), free_port(), self._environment("api"))
        self._start(api)
        with self.database.begin() as session:
            key = api_keys.create(session, "ada", "test")[1]
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=api.url, headers=headers, timeout=TIMEOUT_SECONDS, trust_env=False)

    def _environment(self, part: str) -> dict[str, str]:
        return self.environment | {"PRUNESERVE_METRICS_ADDRESS": self.metrics.get(part, "")}

    def start(self, module: str) -> Service:
        """Start a module of the tests as a process."""
        path = os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])
        return self._start(
            Service(module, self._directory(), [module], self.environment | {"PYTHONPATH": path})
        )

    def children(self, worker: Service) -> list[psutil.Process]:
        """Return the child processes that run the worker's jobs."""
        # Celery renames them where setproctitle is installed.
        marks = ("spawn_main", "SpawnPoolWorker")
        started = psutil.Process(worker.pid).children()
        return [child for child in started if any(mark in " ".join(child.cmdline()) for mark in marks)]

    def _directory(self) -> Path:
        return self.directory / str(len(self.processes))

    def _start(self, process: Service) -> Service:
        self.processes.append(process)
        process.start()
        return process

    def spec(self, *, samples: int = 8, windows: int = 4, seed: int = 0, **changes: object) -> JobSpec:
        return JobSpec.model_validate(
            {
                "recipe": {
                    "model": str(self.model),
                    "method": "gblm",
                    "sparsity": 0.5,
                    "calibration": {
                        "dataset": str(self.calibration),
                        "samples": samples,
                        "sequence_length": 32,
                        "seed": seed,
                    },
                    **changes,
                },
                "evaluation": {"dataset": "builtin", "sequence_length": 32, "windows": windows},
                "save_masks": True,
            }
        )

    def long_spec(self) -> JobSpec:
        """A job of many steps, long enough for a fault in the middle of it."""
        return self.spec(samples=1000, windows=200)

    def submit(self, spec: JobSpec, owner: str = "ada") -> UUID:
        with self.database.begin() as session:
            return owner_moves.create(session, owner, spec).id

    def job(self, job_id: UUID) -> Job:
        with self.database.begin() as session:
            return session.get_one(Job, job_id)

    def events(self, job_id: UUID) -> list[Event]:
        with self.database.begin() as session:
            return events.events_since(session, job_id, 0)

    def wait_for(self, job_id: UUID, reached: Callable[[Job], bool], *, every: float = 0.02) -> Job:
        """`every`: seconds. What passes soon must not be missed; to look takes a tenth of a processor."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not reached(job := self.job(job_id)):
            assert time.monotonic() < deadline, (
                f"{job.state} in {job.stage} at {job.step}; {self.ends_of_logs()}"
            )
            time.sleep(every)
        return job

    def wait_until(self, reached: Callable[[], bool]) -> None:
        eventually(reached, seconds=TIMEOUT_SECONDS, every=0.1, told=self.ends_of_logs)

    def wait_until_running(self, job_id: UUID) -> Job:
        """Wait until the job is in the middle of its first long stage."""
        return self.wait_for(job_id, lambda job: job.stage == Stage.GRADIENTS and bool(job.step))

    def wait_for_end(self, job_id: UUID) -> Job:
        return self.wait_for(job_id, lambda job: job.state in ENDED, every=0.2)

    def artifacts(self, job_id: UUID) -> dict[str, Artifact]:
        with self.database.begin() as session:
            return {artifact.name: artifact for artifact in queries.artifacts(session, "ada", job_id)}

    def expire_lease(self, job_id: UUID) -> None:
        """Let the job's lease end now, instead of waiting for it to expire."""
        with self.database.begin() as session:
            session.execute(update(Lease).where(Lease.job_id == job_id).values(expires_at=func.now()))

    def logs(self) -> str:
        return "\n".join(process.log.read_text() for process in self.processes)

    def ends_of_logs(self) -> str:
        """For a report of the tests, in which the whole of one would hide the others."""
        return "\n".join(f"{process.log}:\n{process.log.read_text()[-3000:]}" for process in self.processes)


def directory_store(parent: Path) -> str:
    """Make an empty store in a directory, as an operator would, and return its URL."""
    directory = parent / "store"
    directory.mkdir(exist_ok=True)
    return f"file://{directory}"


def environment_of(settings: Settings, model: Path, calibration: Path) -> dict[str, str]:
    """Return the environment of the service's processes, with short leases."""
    return {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "BROKER_URL": settings.broker_url.get_secret_value(),
        "STORE_URL": settings.store_url,
        "PRUNESERVE_WORK_DIR": str(settings.work_dir),
        "PRUNESERVE_MODEL_ROOTS": str(model.parent),
        "PRUNESERVE_DATA_ROOTS": str(calibration.parent),
        "PRUNESERVE_DEVICE": "cpu",
        "HF_HUB_OFFLINE": "1",
    } | with_limits(HEARTBEAT_SECONDS=1, LEASE_SECONDS=LEASE_SECONDS)


def write_calibration(path: Path) -> None:
    """Write English prose that comes with every Python: enough for a long job, and soon tokenised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(pydoc_data.topics.topics.values())[:100_000])


def signal_to(process: Service, number: signal.Signals, *, children: bool = False) -> None:
    """Send a signal to a process, and with `children` to all of its descendants."""
    assert process.pid is not None
    parent = psutil.Process(process.pid)
    for child in parent.children(recursive=True) if children else []:
        with suppress(psutil.NoSuchProcess):  # it has just exited by itself
            child.send_signal(number)
    parent.send_signal(number)
