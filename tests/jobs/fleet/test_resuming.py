"""A job with finished blocks goes on where they are used: on the class of workers that has computed them."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import machines, placing
from jobs.lifecycle import finished_blocks, lifecycle
from jobs.lifecycle.lifecycle import Claim
from jobs.placement.classes import Capacity
from jobs.states import PlacementState
from jobs.storage.store import StoredFile
from jobs.tables import Job
from pruning.estimate import ASSUMED

Database = sessionmaker[Session]
GIB = 2**30
SMALL, LARGE = "gpu.24g", "gpu.80g"
DEVICES = {SMALL: "cuda:0 (NVIDIA L4)", LARGE: "cuda:0 (NVIDIA H100)"}


@pytest.fixture(autouse=True)
def workers(database: Database) -> None:
    """One of each class, named after it. The larger one also reads the queue of the smaller class."""
    with database.begin() as session:
        for name, size, queues in ((SMALL, 24, [SMALL]), (LARGE, 80, [LARGE, SMALL])):
            has = Capacity(gpus=1, device_bytes=size * GIB, host_bytes=200 * GIB, scratch_bytes=10**12)
            machines.declared(session, name, queues, has)
            machines.measured(session, name, name, ASSUMED.model_copy(update={"device": DEVICES[name]}))


@pytest.fixture
def run_on(database: Database) -> Callable[..., str]:
    """Lets a worker claim a job and hand it back, after a block or without. Returns the job's queue."""

    def run(job_id: UUID, worker: str, *, block: bool) -> str:
        with database.begin() as session:
            claim = lifecycle.claim(session, job_id, worker, 30)
            assert claim is not None
            if block:
                finish(session, claim, DEVICES[worker])
            assert lifecycle.hand_back(session, claim, "the worker is shutting down")
            return session.get_one(Job, job_id).queue

    return run


def finish(session: Session, claim: Claim, device: str) -> None:
    shard = StoredFile(key=f"{claim.job_id}/{claim.attempt}", size=1, sha256="00" * 32)
    assert finished_blocks.keep(session, claim, "prune", 0, shard, {"device": device})


def place(database: Database, job_id: UUID) -> str:
    """Place a job as after its submission, or its retry."""
    with database.begin() as session:
        anew = update(Job).where(Job.id == job_id).values(placement=PlacementState.SIZED)
        session.execute(anew)
        placing.place_sized(session, placing.live_classes(session, 30), 10)
        return session.get_one(Job, job_id).queue


def test_a_job_goes_back_to_the_class_of_the_worker_that_has_finished_blocks_of_it(
    database: Database, submit: Callable[[], UUID], run_on: Callable[..., str]
) -> None:
    job_id = submit()
    assert place(database, job_id) == SMALL
    assert run_on(job_id, LARGE, block=False) == SMALL
    assert run_on(job_id, LARGE, block=True) == LARGE
    assert run_on(job_id, LARGE, block=False) == LARGE


def test_a_job_that_is_placed_anew_prefers_a_device_like_that_of_its_latest_block(
    database: Database, submit: Callable[[], UUID], run_on: Callable[..., str]
) -> None:
    with_blocks, without = submit(), submit()
    place(database, with_blocks)
    run_on(with_blocks, LARGE, block=True)
    assert [place(database, job_id) for job_id in (with_blocks, without)] == [LARGE, SMALL]
    run_on(with_blocks, SMALL, block=True)
    assert place(database, with_blocks) == SMALL
    with database.begin() as session:
        only_large = {LARGE: placing.live_classes(session, 30)[LARGE]}
        session.execute(update(Job).where(Job.id == with_blocks).values(placement=PlacementState.SIZED))
        placing.place_sized(session, only_large, 10)  # the other class is gone
        assert session.get_one(Job, with_blocks).queue == LARGE
