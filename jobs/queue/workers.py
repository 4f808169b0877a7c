"""The registered workers: their heartbeats, what they have, and which of them take jobs.

The row of a worker is written by the worker itself, and read by the scheduler, by claims and by the API.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from jobs.notify import QUEUE, notify_on_commit
from jobs.queue.classes import Capacity, Classes, classes_of, fits, smallest_that_fits
from jobs.queue.needs import Needs
from jobs.states import HELD
from jobs.tables import NOW, SEARCH_NOW, Job, Queue, Worker
from pruning.estimate import ASSUMED, Machine

TAKES_JOBS = (Worker.quarantined_at.is_(None), Worker.cordoned_at.is_(None))
"""The conditions of a worker that takes jobs, if it is alive."""

_REMEMBERED = (
    *(Worker.queue, Worker.queues, Worker.capacity, Worker.one_job, Worker.machine, Worker.sandbox),
    *(Worker.started_at, Worker.cordoned_at, Worker.draining),
)


def is_alive(seen_within: float) -> ColumnElement[bool]:
    """Return the condition of a worker that sent a heartbeat in the last `seen_within` seconds."""
    return Worker.seen_at > SEARCH_NOW - timedelta(seconds=seen_within)


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker that has sent a heartbeat of late and has recorded what it has."""

    name: str
    queue: str
    """Its class."""
    queues: Sequence[str] | None
    """The classes whose jobs it may run; None for every job that fits."""
    capacity: Capacity
    device: str | None
    """Its device, once that was measured."""
    takes_jobs: bool
    """Whether it is neither quarantined nor cordoned."""
    paused: bool
    """Whether its class is paused."""
    idle: bool
    """Whether it holds no job."""
    one_job: bool
    fault: str | None
    """Why it is quarantined, if it is."""


class Fleet:
    """The live workers at one moment."""

    def __init__(self, workers: Iterable[LiveWorker]) -> None:
        """`workers` have recorded what they have."""
        self.workers = {worker.name: worker for worker in workers}
        self.classes: Classes = classes_of((it.queue, it.capacity) for it in self.workers.values())
        self.paused = {worker.queue for worker in self.workers.values() if worker.paused}
        self._own_class: dict[Needs, str | None] = {}

    def own_class(self, needs: Needs) -> str | None:
        """Return the class of a job: the smallest that it fits, None where it fits none."""
        if needs not in self._own_class:
            self._own_class[needs] = smallest_that_fits(needs, self.classes)
        return self._own_class[needs]

    def may_run(self, needs: Needs, worker: LiveWorker) -> bool:
        """Whether a worker may run a job, as far as both are known and whether or not it takes jobs now."""
        own = self.own_class(needs)
        if own is None or not fits(needs, worker.capacity):
            return False
        if worker.queues is not None:
            return own in worker.queues
        # A job that is long on a CPU is left to the GPUs that it fits.
        return own == worker.queue or bool(worker.capacity.gpus) or not self.classes[own][0].gpus

    def able(self, needs: Needs, *, but: str | None = None) -> list[LiveWorker]:
        """Return the workers that may run a job and take jobs now, without the one named `but`."""
        others = (it for it in self.workers.values() if it.name != but)
        return [it for it in others if it.takes_jobs and self.may_run(needs, it)]

    def of_class(self, queue: str) -> list[LiveWorker]:
        """Return the workers of a class that take jobs."""
        return [it for it in self.workers.values() if it.queue == queue and it.takes_jobs]


def fleet(session: Session, seen_within: float) -> Fleet:
    """Return the workers that sent a heartbeat in the last `seen_within` seconds and said what they have."""
    rows = session.execute(
        select(
            Worker.name,
            Worker.queue,
            Worker.queues,
            Worker.capacity,
            Worker.machine["device"].astext.label("device"),
            (Worker.quarantined_at.is_(None) & Worker.cordoned_at.is_(None)).label("takes_jobs"),
            exists().where(Queue.name == Worker.queue, Queue.paused_at.is_not(None)).label("paused"),
            (~exists().where(Job.worker == Worker.name, Job.state.in_(HELD))).label("idle"),
            Worker.one_job,
            Worker.quarantined_at,
            Worker.fault,
        ).where(is_alive(seen_within), Worker.capacity.is_not(None))
    )
    return Fleet(
        LiveWorker(
            row.name,
            row.queue,
            row.queues,
            Capacity.model_validate(row.capacity),
            row.device,
            row.takes_jobs,
            row.paused,
            row.idle,
            row.one_job,
            None if row.quarantined_at is None else row.fault or "",
        )
        for row in rows
    )


def undeclared_worker_faults(session: Session, seen_within: float) -> list[str]:
    """Return why those live workers are quarantined that have failed their self-test from the start."""
    failed = Worker.capacity.is_(None), Worker.quarantined_at.is_not(None)
    faults = select(func.coalesce(Worker.fault, "")).where(is_alive(seen_within), *failed)
    return list(session.scalars(faults))


@dataclass(frozen=True, slots=True)
class Orders:
    """What its row orders a worker to do, with each heartbeat."""

    quarantined: bool
    cordoned: bool
    draining: bool
    row: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What was known of the worker: it records that again where its row was deleted."""


def record_worker_heartbeat(session: Session, name: str, queue: str, before: Orders | None = None) -> Orders:
    """Record the heartbeat of a worker, and return its orders.

    `before`: the last ones. The row of a worker that was silent for so long that it was deleted is made again
    as it was, with its class and a cordon.
    """
    row = session.execute(
        insert(Worker)
        .values(name=name, queue=queue)
        .on_conflict_do_update(index_elements=[Worker.name], set_={"seen_at": NOW})
        .returning(Worker.quarantined_at, *_REMEMBERED)
    ).one()
    known = {column.key: getattr(row, column.key) for column in _REMEMBERED}
    if before is not None and before.row and before.row["started_at"] != row.started_at:
        known = dict(before.row)
        session.execute(
            update(Worker)
            .where(Worker.name == name)
            .values({key: null() if value is None else value for key, value in known.items()})
        )
    return Orders(row.quarantined_at is not None, known["cordoned_at"] is not None, known["draining"], known)


def is_silent(session: Session, worker: str | None, seconds: float) -> bool:
    """Whether a worker has sent no heartbeat in the last `seconds`, or is not registered."""
    return session.scalar(select(Worker.name).where(Worker.name == worker, is_alive(seconds))) is None


def delete_worker(session: Session, name: str) -> None:
    """Remove a worker that shuts down."""
    session.execute(delete(Worker).where(Worker.name == name))


def delete_stale_workers(session: Session, unseen_for: float) -> None:
    """Remove workers without a heartbeat for `unseen_for` seconds. One that is killed does not do it."""
    session.execute(delete(Worker).where(Worker.seen_at < SEARCH_NOW - timedelta(seconds=unseen_for)))


def declared(
    session: Session,
    worker: str,
    queue: str,
    capacity: Capacity,
    *,
    queues: Sequence[str] | None = None,
    one_job: bool = False,
) -> None:
    """Record the class of a worker, what it has, which jobs it may run, and whether it ends after one."""
    known = {
        "queue": queue,
        "queues": None if queues is None else [*queues],
        "capacity": capacity.model_dump(),
        "one_job": one_job,
    }
    session.execute(
        insert(Worker)
        .values(name=worker, **known)
        .on_conflict_do_update(index_elements=[Worker.name], set_=known | {"seen_at": NOW})
    )
    notify_on_commit(session, QUEUE)


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
    """Return what a worker has for a job; None if it has not recorded it."""
    found = session.scalar(select(Worker.capacity).where(Worker.name == worker))
    return None if found is None else Capacity.model_validate(found)


def of_worker(session: Session, worker: str) -> Machine:
    """Return a worker's measured machine, or the assumed one."""
    found = session.scalar(select(Worker.machine).where(Worker.name == worker))
    return ASSUMED if found is None else Machine.model_validate(found)


def by_class(session: Session, seen_within: float) -> dict[str, list[Machine]]:
    """Return the measured machines of the live workers of each class."""
    rows = session.execute(
        select(Worker.queue, Worker.machine).where(Worker.machine.is_not(None), is_alive(seen_within))
    )
    found: dict[str, list[Machine]] = defaultdict(list)
    for row in rows:
        found[row.queue].append(Machine.model_validate(row.machine))
    return found


def live(session: Session, seen_within: float) -> list[Machine]:
    """Return the measured machines of the live workers that take jobs, any of which may get the next one."""
    found = session.scalars(
        select(Worker.machine).where(Worker.machine.is_not(None), *TAKES_JOBS, is_alive(seen_within))
    )
    return [Machine.model_validate(machine) for machine in found]
