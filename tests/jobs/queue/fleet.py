"""Workers that are alive, for tests that claim jobs in this process."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from jobs.lifecycle import owner_moves
from jobs.lifecycle.lifecycle import Claim
from jobs.queue import workers
from jobs.queue.claim import claim_next
from jobs.queue.resources import Capacity, Needs
from jobs.spec.job import JobSpec
from jobs.tables import NOW, Job, Worker

GB = 10**9
CPU = Capacity(host_bytes=16 * GB, scratch_bytes=100 * GB)
GPU_24G = Capacity(gpus=1, device_bytes=23 * GB, host_bytes=48 * GB, scratch_bytes=400 * GB)
GPU_80G = Capacity(gpus=1, device_bytes=78 * GB, host_bytes=120 * GB, scratch_bytes=900 * GB)
SMALL = Needs(
    device_bytes=GB, host_bytes=GB, cpu_bytes=GB, scratch_bytes=GB, cpu_scratch_bytes=GB, cpu_seconds=10.0
)
LONG = SMALL.model_copy(update={"cpu_seconds": 1e6})
LARGE = LONG.model_copy(update={"device_bytes": 60 * GB, "cpu_bytes": 60 * GB})


def register(
    session: Session,
    name: str,
    queue: str = "cpu",
    capacity: Capacity = CPU,
    *,
    queues: Sequence[str] | None = None,
    device: str | None = None,
) -> None:
    """Let a worker be alive and idle: it stays so for as long as the test takes."""
    workers.record_capacity(session, name, queue, capacity, queues=queues)
    alive = update(Worker).where(Worker.name == name).values(seen_at=NOW + timedelta(hours=1))
    session.execute(alive)
    if device is not None:
        machine = {"device": device}
        session.execute(update(Worker).where(Worker.name == name).values(machine=machine))


def submit(
    session: Session, spec: JobSpec, owner: str = "ada", needs: Needs | None = SMALL, **values: object
) -> UUID:
    """Queue a job of which it is known what it needs; None: that it cannot be known. `values`: of columns."""
    job_id = owner_moves.create(session, owner, spec).id
    stored = {} if needs is None else needs.model_dump()
    session.execute(update(Job).where(Job.id == job_id).values({"needs": stored} | values))
    return job_id


def claim(session: Session, worker: str) -> Claim | None:
    """Let a worker claim the next job."""
    return claim_next(session, worker, 30)


def claim_one(session: Session, worker: str) -> Claim:
    """Let a worker claim the next job, of which there is one for it."""
    found = claim(session, worker)
    assert found is not None
    return found
