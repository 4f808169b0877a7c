"""Gradients that several workers compute have the bits of those that one computes, whoever dies meanwhile.

Each worker is a copy of this process, which has torch already. The message that tells a worker of a job is
left out: each looks again and again, as if the dispatcher had sent it.

`make soak` runs it, and not `make test`: a copy of a process whose other tests have started threads may wait
for a lock that none of them will ever release.
"""

import os
import random
import signal
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import torch
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue
from jobs.lifecycle import event_log, lifecycle, owner_moves
from jobs.lifecycle.events import LogMessage
from jobs.queries import queries
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.states import ENDED, JobState
from jobs.storage.store import Store
from jobs.tables import GradientLane, Job, JobBlock
from pruning.gradients.gradient_pass import GradientPass
from pruning.sandbox.reading import ReadHere
from worker import coworker, run_job
from worker.identity import Identity

pytestmark = pytest.mark.slow

Database = sessionmaker[Session]

SECONDS = 120.0
SECONDS_OF_A_LANE = 0.1


@pytest.fixture
def settings(settings: Settings, small_model: Path, calibration: Path) -> Settings:
    return settings.model_copy(
        update={
            "model_roots": (small_model.parent,),
            "data_roots": (calibration.parent,),
            "device": "cpu",
            "split_gradients": "always",
            "heartbeat_seconds": 0.5,
            "lease_seconds": 60.0,
        }
    )


@pytest.fixture
def spec(small_model: Path, calibration: Path) -> JobSpec:
    text = {"dataset": str(calibration), "samples": 40, "sequence_length": 32}
    recipe = {"model": str(small_model), "norms": ["l1", "l2"], "calibration": text, "lanes": 16}
    return JobSpec.model_validate({"recipe": recipe})


@pytest.fixture(autouse=True)
def slow_lanes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let each lane take a while, so that all workers get some; with one thread, a process can be copied."""
    run_lane = GradientPass.run_lane

    def slower(self: GradientPass, *args: object) -> None:
        time.sleep(SECONDS_OF_A_LANE)
        run_lane(self, *args)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(GradientPass, "run_lane", slower)
    for module in (run_job, coworker):  # the files are our own, and a sandbox for each process takes seconds
        monkeypatch.setattr(module, "sandbox", lambda settings, directory: ReadHere())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Workers:
    """Copies of this process, each of which runs a job or helps with it until it has ended."""

    def __init__(self, database: Database, settings: Settings, directory: Path) -> None:
        self._database, self.settings, self._directory = database, settings, directory
        self.processes: dict[str, int] = {}

    def start(self, job_id: UUID, count: int) -> None:
        for number in range(count):
            name = f"{job_id}-{number}"
            with self._database.begin() as session:
                dispatch_queue.worker_seen(session, name, "cpu")
            if process := os.fork():
                self.processes[name] = process
                continue
            try:
                self._work(job_id, Identity(name, self._directory / name))
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)

    def _work(self, job_id: UUID, worker: Identity) -> None:
        self._database.kw["bind"].dispose(close=False)  # its connections are the other process's
        while True:
            run_job.run_job(job_id, self.settings, worker)
            with self._database.begin() as session:
                if session.get_one(Job, job_id).state in ENDED:
                    return
            time.sleep(0.5)

    def kill(self, name: str) -> None:
        os.kill(self.processes[name], signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(self.processes.pop(name), 0)[1]) == -signal.SIGKILL

    def wait(self) -> None:
        for name, process in [*self.processes.items()]:
            assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0, name
            del self.processes[name]


@pytest.fixture
def workers(database: Database, settings: Settings, tmp_path: Path) -> Iterator[Workers]:
    started = Workers(database, settings, tmp_path)
    yield started
    for name in [*started.processes]:
        started.kill(name)


def lanes_of(database: Database, job_id: UUID) -> list[GradientLane]:
    with database.begin() as session:
        return list(session.scalars(select(GradientLane).where(GradientLane.job_id == job_id)))


def kill_one_that_helps(database: Database, workers: Workers, job_id: UUID) -> None:
    """Kill a worker that helps after some lanes, and let its lease end now."""
    after, deadline = random.randint(0, 8), time.monotonic() + SECONDS  # noqa: S311 - no secret
    while True:
        assert time.monotonic() < deadline
        lanes = lanes_of(database, job_id)
        with database.begin() as session:
            own = session.get_one(Job, job_id).worker
        held = [lane for lane in lanes if lane.worker not in (None, own)]
        if held and sum(lane.finished_at is not None for lane in lanes) >= after:
            break
        time.sleep(0.05)
    lost = held[0]
    print(f"killed at lane {lost.lane}")
    workers.kill(str(lost.worker))
    with database.begin() as session:
        of_it = update(GradientLane).where(GradientLane.worker == lost.worker)
        session.execute(of_it.values(expires_at=func.clock_timestamp()))


def norms_of(database: Database, job_id: UUID, owner: str, attempt: int = 1) -> str:
    with database.begin() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.attempt) == (JobState.SUCCEEDED, attempt), job.error
        return next(one.sha256 for one in queries.artifacts(session, owner, job_id))


def told(database: Database, job_id: UUID) -> str:
    with database.begin() as session:
        events = event_log.since(session, job_id, 0)
    return "\n".join(event.data.message for event in events if isinstance(event.data, LogMessage))


def alone(database: Database, settings: Settings, spec: JobSpec, workers: Workers) -> str:
    """Compute the norms on one worker, which finds nobody to share them with, in one pass."""
    workers.settings = settings.model_copy(update={"split_gradients": "auto"})
    with database.begin() as session:
        job_id = owner_moves.create(session, "alone", spec).id
    workers.start(job_id, 1)
    workers.wait()
    workers.settings = settings
    assert "lanes stay on one worker: no other of the class" in told(database, job_id)
    return norms_of(database, job_id, "alone")


def test_one_two_and_four_workers_give_the_same_bits_though_one_dies_at_a_random_lane(
    database: Database, settings: Settings, spec: JobSpec, workers: Workers
) -> None:
    found = {1: alone(database, settings, spec, workers)}
    for count in (2, 4):
        owner = f"team-{count}"  # no owner finds what another has computed
        with database.begin() as session:
            job_id = owner_moves.create(session, owner, spec).id
        workers.start(job_id, count)
        kill_one_that_helps(database, workers, job_id)
        workers.wait()
        found[count] = norms_of(database, job_id, owner)
        assert "helps with the gradients" in told(database, job_id)
        assert lanes_of(database, job_id) == []
        with database.begin() as session:
            assert session.scalar(select(func.count()).select_from(JobBlock)) == 0
        files = [file.key for file in Store(settings.store_url).list(f"jobs/{job_id}")]
        assert not [key for key in files if "/lane-" in key or "/first-" in key]
    assert len(set(found.values())) == 1, found


def test_a_job_whose_own_worker_dies_goes_on_from_the_lanes_that_are_there(
    database: Database, settings: Settings, spec: JobSpec, workers: Workers
) -> None:
    expected = alone(database, settings, spec, workers)
    with database.begin() as session:
        job_id = owner_moves.create(session, "killed", spec).id
    workers.start(job_id, 1)
    deadline = time.monotonic() + SECONDS
    while sum(lane.folded_at is not None for lane in lanes_of(database, job_id)) < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    workers.kill(next(iter(workers.processes)))
    with database.begin() as session:
        token = session.get_one(Job, job_id).lease_token
        assert token is not None
        lifecycle.take_back(session, job_id, token, "its worker died", 3)
    assert all(lane.finished_at for lane in lanes_of(database, job_id))
    workers.start(job_id, 1)
    workers.wait()
    assert norms_of(database, job_id, "killed", attempt=2) == expected
