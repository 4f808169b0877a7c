"""The machines of the live workers: their class, device, measured speed and sandbox."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.fleet.dispatch_queue import TAKES_JOBS
from jobs.fleet.selecting import is_alive
from jobs.hints import hints
from jobs.placement.classes import Capacity
from jobs.tables import Worker
from pruning.estimate import ASSUMED, Machine


def declared(
    session: Session, worker: str, queues: Sequence[str], capacity: Capacity, *, one_job: bool = False
) -> None:
    """Record which queues a worker reads, its class first, what it has, and whether it ends after a job."""
    known = {"queue": queues[0], "queues": [*queues], "capacity": capacity.model_dump(), "one_job": one_job}
    session.execute(
        insert(Worker)
        .values(name=worker, **known)
        .on_conflict_do_update(index_elements=[Worker.name], set_=known)
    )
    hints.give(session, hints.WORKERS)


def measured(session: Session, worker: str, queue: str, machine: Machine) -> None:
    """Record a worker's measured machine. The worker may not have sent a heartbeat yet."""
    _record(session, worker, queue, machine=machine.model_dump())


def confined(session: Session, worker: str, queue: str, sandbox: Mapping[str, bool]) -> None:
    """Record by layer of the sandbox whether it holds on a worker's machine."""
    _record(session, worker, queue, sandbox=dict(sandbox))


def _record(session: Session, worker: str, queue: str, **known: dict[str, Any]) -> None:
    session.execute(
        insert(Worker)
        .values(name=worker, queue=queue, **known)
        .on_conflict_do_update(index_elements=[Worker.name], set_=known)
    )


def capacity_of(session: Session, worker: str) -> Capacity | None:
    """Return what a worker has for a job; None if it has not said so."""
    found = session.scalar(select(Worker.capacity).where(Worker.name == worker))
    return None if found is None else Capacity.model_validate(found)


def of_worker(session: Session, worker: str) -> Machine:
    """Return a worker's measured machine, or the assumed one."""
    found = session.scalar(select(Worker.machine).where(Worker.name == worker))
    return ASSUMED if found is None else Machine.model_validate(found)


def by_class(session: Session, seen_within: float) -> dict[str, list[Machine]]:
    """Return the measured machines of the live workers of each class, by the queues that they read."""
    rows = session.execute(
        select(Worker.queues_read, Worker.machine).where(
            Worker.machine.is_not(None),
            is_alive(seen_within),
        )
    )
    found: dict[str, list[Machine]] = defaultdict(list)
    for row in rows:
        for queue in row.queues_read:
            found[queue].append(Machine.model_validate(row.machine))
    return found


def live(session: Session, seen_within: float) -> list[Machine]:
    """Return the measured machines of the live workers that take jobs, any of which may get the next one."""
    found = session.scalars(
        select(Worker.machine).where(
            Worker.machine.is_not(None),
            *TAKES_JOBS,
            is_alive(seen_within),
        )
    )
    return [Machine.model_validate(machine) for machine in found]
