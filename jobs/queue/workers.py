"""Registered workers and schedulers: their names, their heartbeats, what they have, and which take jobs.

The row of a worker or a scheduler is written by that process, and read by schedulers, claims and the API.
"""

import os
import secrets
import socket
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, delete, exists, func, literal, null, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Session

from jobs.notify import QUEUE, notify_on_commit
from jobs.queue.resources import (
    UNKNOWN_QUEUE,
    CapacitiesByQueue,
    Capacity,
    Needs,
    capacities_by_queue,
    fits,
    smallest_that_fits,
)
from jobs.states import HELD
from jobs.tables import NOW, SEARCH_NOW, Job, Queue, Scheduler, Worker
from pruning.estimate import ASSUMED, Machine

TAKES_JOBS = (Worker.quarantined_at.is_(None), Worker.cordoned_at.is_(None))
"""The conditions of a worker that takes jobs, if it is alive."""

_RESTORED_COLUMNS = (
    *(Worker.queue, Worker.queues, Worker.capacity, Worker.machine, Worker.sandbox),
    *(Worker.started_at, Worker.cordoned_at, Worker.draining),
)

_SEND_LOCK = 0x73656E64  # distinguishes this advisory lock from others

HeartbeatSender = Literal["worker", "scheduler"]


def unique_name() -> str:
    """Return a name for this process."""
    return f"{name_prefix(os.getpid())}{secrets.token_hex(3)}"


def name_prefix(process: int) -> str:
    """Return how the names of a process of this machine begin, by its id."""
    return f"{socket.gethostname()}-{process}-"


def name_pattern(host: str) -> str:
    """Return a regular expression of PostgreSQL for all names of a host."""
    escaped = "".join(letter if letter.isalnum() else f"[{letter}]" for letter in host)
    return f"^{escaped}-[0-9]+-[0-9a-f]+$"


def is_live(seen_within: float) -> ColumnElement[bool]:
    """Return the condition of a worker that sent a heartbeat in the last `seen_within` seconds."""
    return Worker.seen_at > SEARCH_NOW - timedelta(seconds=seen_within)


@dataclass(frozen=True, slots=True)
class LiveWorker:
    """A worker that has recently sent a heartbeat and has recorded its capacity."""

    name: str
    queue: str
    """The queue that it reads."""
    queues: Sequence[str] | None
    """The queues whose jobs it may run; None for every job that fits."""
    capacity: Capacity
    device: str | None
    """Its device, once that was measured."""
    takes_jobs: bool
    """Whether it is neither quarantined nor cordoned."""
    paused: bool
    """Whether its queue is paused."""
    idle: bool
    """Whether it holds no job."""
    fault: str | None
    """Why it is quarantined, if it is."""


class Fleet:
    """The live workers at one moment."""

    def __init__(self, workers: Iterable[LiveWorker]) -> None:
        """`workers` have recorded what they have."""
        self.workers = {worker.name: worker for worker in workers}
        self.queues: CapacitiesByQueue = capacities_by_queue(
            (it.queue, it.capacity) for it in self.workers.values()
        )
        self.paused = {worker.queue for worker in self.workers.values() if worker.paused}
        self._own_queue: dict[Needs, str | None] = {}

    def own_queue(self, needs: Needs) -> str | None:
        """Return the queue of a job: the smallest that it fits, None where it fits none."""
        if needs not in self._own_queue:
            self._own_queue[needs] = smallest_that_fits(needs, self.queues)
        return self._own_queue[needs]

    def may_run(self, needs: Needs, worker: LiveWorker) -> bool:
        """Whether a worker may run a job, as far as both are known and whether or not it takes jobs now."""
        own = self.own_queue(needs)
        if own is None or not fits(needs, worker.capacity):
            return False
        if worker.queues is not None:
            return own in worker.queues
        # A job that is long on a CPU is left to the GPUs that it fits.
        return own == worker.queue or bool(worker.capacity.gpus) or not self.queues[own][0].gpus

    def workers_for(self, needs: Needs, *, excluding: str | None = None) -> list[LiveWorker]:
        """Return the workers that may run a job and take jobs now, without the one named `excluding`."""
        others = (it for it in self.workers.values() if it.name != excluding)
        return [it for it in others if it.takes_jobs and self.may_run(needs, it)]

    def of_queue(self, queue: str) -> list[LiveWorker]:
        """Return the workers of a queue that take jobs."""
        return [it for it in self.workers.values() if it.queue == queue and it.takes_jobs]


def fleet(session: Session, seen_within: float) -> Fleet:
    """Return the workers with a recorded capacity and a heartbeat in the last `seen_within` seconds."""
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
            Worker.quarantined_at,
            Worker.fault,
        ).where(is_live(seen_within), Worker.capacity.is_not(None))
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
            None if row.quarantined_at is None else row.fault or "",
        )
        for row in rows
    )


def undeclared_worker_faults(session: Session, seen_within: float) -> list[str]:
    """Return why those live workers are quarantined that have failed their self-test from the start."""
    failed = Worker.capacity.is_(None), Worker.quarantined_at.is_not(None)
    faults = select(func.coalesce(Worker.fault, "")).where(is_live(seen_within), *failed)
    return list(session.scalars(faults))


@dataclass(frozen=True, slots=True)
class WorkerConditions:
    """What its row orders a worker to do, with each heartbeat."""

    quarantined: bool
    cordoned: bool
    draining: bool
    row: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """What was known of the worker: it records that again where its row was deleted."""


def record_worker_heartbeat(
    session: Session, name: str, queue: str, before: WorkerConditions | None = None
) -> WorkerConditions:
    """Record the heartbeat of a worker, and return its conditions.

    `before`: the last ones. If the row was deleted because heartbeats were missing, it is restored with its
    queue and a cordon.
    """
    row = session.execute(
        insert(Worker)
        .values(name=name, queue=queue)
        .on_conflict_do_update(index_elements=[Worker.name], set_={"seen_at": NOW})
        .returning(Worker.quarantined_at, *_RESTORED_COLUMNS)
    ).one()
    known = {column.key: getattr(row, column.key) for column in _RESTORED_COLUMNS}
    if before is not None and before.row and before.row["started_at"] != row.started_at:
        known = dict(before.row)
        session.execute(
            update(Worker)
            .where(Worker.name == name)
            .values({key: null() if value is None else value for key, value in known.items()})
        )
    return WorkerConditions(
        row.quarantined_at is not None, known["cordoned_at"] is not None, known["draining"], known
    )


def is_stale(session: Session, worker: str | None, seconds: float) -> bool:
    """Whether a worker has sent no heartbeat in the last `seconds`, or is not registered."""
    return session.scalar(select(Worker.name).where(Worker.name == worker, is_live(seconds))) is None


def delete_worker(session: Session, name: str) -> None:
    """Remove a worker that shuts down."""
    session.execute(delete(Worker).where(Worker.name == name))


def delete_stale_workers(session: Session, unseen_for: float) -> None:
    """Remove workers without a heartbeat for `unseen_for` seconds. One that is killed does not do it."""
    session.execute(delete(Worker).where(Worker.seen_at < SEARCH_NOW - timedelta(seconds=unseen_for)))


def record_capacity(
    session: Session,
    worker: str,
    queue: str,
    capacity: Capacity,
    *,
    queues: Sequence[str] | None = None,
) -> None:
    """Record the queue of a worker, what it has, and which jobs it may run."""
    known = {
        "queue": queue,
        "queues": None if queues is None else [*queues],
        "capacity": capacity.model_dump(),
    }
    session.execute(
        insert(Worker)
        .values(name=worker, **known)
        .on_conflict_do_update(index_elements=[Worker.name], set_=known | {"seen_at": NOW})
    )
    notify_on_commit(session, QUEUE)


def record_machine(session: Session, worker: str, machine: Machine) -> None:
    """Record a worker's measured machine. The worker may not have sent a heartbeat yet."""
    _record(session, worker, machine=machine.model_dump())


def record_sandbox(session: Session, worker: str, sandbox: Mapping[str, bool]) -> None:
    """Record by layer of the sandbox whether it holds on a worker's machine."""
    _record(session, worker, sandbox=dict(sandbox))


def _record(session: Session, worker: str, **known: dict[str, Any]) -> None:
    session.execute(
        insert(Worker)
        .values(name=worker, queue=UNKNOWN_QUEUE, **known)
        .on_conflict_do_update(index_elements=[Worker.name], set_=known)
    )


def capacity_of(session: Session, worker: str) -> Capacity | None:
    """Return what a worker has for a job; None if it has not recorded it."""
    found = session.scalar(select(Worker.capacity).where(Worker.name == worker))
    return None if found is None else Capacity.model_validate(found)


def record_scratch(session: Session, worker: str, size: int, *, if_more: bool = False) -> None:
    """Record what a worker has on its scratch disk now. `if_more`: only if that is more than before."""
    recorded = Worker.capacity["scratch_bytes"].astext.cast(BigInteger)
    session.execute(
        update(Worker)
        .where(Worker.name == worker, recorded < size if if_more else Worker.capacity.is_not(None))
        .values(capacity=Worker.capacity.op("||")(literal({"scratch_bytes": size}, JSONB)))
    )


def machine_of(session: Session, worker: str) -> Machine:
    """Return a worker's measured machine, or the assumed one."""
    found = session.scalar(select(Worker.machine).where(Worker.name == worker))
    return ASSUMED if found is None else Machine.model_validate(found)


def machines_by_queue(session: Session, seen_within: float) -> dict[str, list[Machine]]:
    """Return the measured machines of the live workers of each queue."""
    rows = session.execute(
        select(Worker.queue, Worker.machine).where(Worker.machine.is_not(None), is_live(seen_within))
    )
    found: dict[str, list[Machine]] = defaultdict(list)
    for row in rows:
        found[row.queue].append(Machine.model_validate(row.machine))
    return found


def live_machines(session: Session, seen_within: float) -> list[Machine]:
    """Return the measured machines of the live workers that take jobs, any of which may get the next one."""
    found = session.scalars(
        select(Worker.machine).where(Worker.machine.is_not(None), *TAKES_JOBS, is_live(seen_within))
    )
    return [Machine.model_validate(machine) for machine in found]


def try_send_lock(session: Session) -> bool:
    """Whether no other scheduler sends messages until this transaction ends.

    Two that did so at once would both count the same workers as idle.
    """
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(_SEND_LOCK))))


def record_scheduler_heartbeat(session: Session, name: str, *, reaches_broker: bool = True) -> None:
    """Record the heartbeat of a scheduler, and whether the broker answers it."""
    away = null() if reaches_broker else NOW
    since = null() if reaches_broker else func.coalesce(Scheduler.broker_away_since, NOW)
    session.execute(
        insert(Scheduler)
        .values(name=name, broker_away_since=away)
        .on_conflict_do_update(
            index_elements=[Scheduler.name], set_={"seen_at": NOW, "broker_away_since": since}
        )
    )


def delete_stale_schedulers(session: Session, unseen_for: float) -> None:
    """Remove schedulers without a heartbeat for `unseen_for` seconds."""
    session.execute(delete(Scheduler).where(Scheduler.seen_at < SEARCH_NOW - timedelta(seconds=unseen_for)))


def broker_outage(session: Session, seen_within: float) -> tuple[bool, datetime | None]:
    """Return whether a scheduler is alive, and since when the broker answers none of those that are."""
    alive = Scheduler.seen_at > SEARCH_NOW - timedelta(seconds=seen_within)
    count, reaching, since = session.execute(
        select(
            func.count(),
            func.count().filter(Scheduler.broker_away_since.is_(None)),
            func.max(Scheduler.broker_away_since),
        ).where(alive)
    ).one()
    return count > 0, None if reaching else since


def has_live_process(session: Session, part: HeartbeatSender, host: str, seen_within: float) -> bool:
    """Return whether a process of this kind on `host` sent a heartbeat in the last `seen_within` seconds.

    A worker in quarantine counts as none.
    """
    table = Worker if part == "worker" else Scheduler
    found = select(table.name).where(_is_on_host(table, host), _is_recent(table, seen_within))
    if part == "worker":
        found = found.where(Worker.quarantined_at.is_(None))
    return session.scalar(found.limit(1)) is not None


def quarantine_reason(session: Session, host: str, seen_within: float) -> str | None:
    """Return why a live worker on `host` is in quarantine; None if there is no such worker."""
    live = (_is_on_host(Worker, host), _is_recent(Worker, seen_within), Worker.quarantined_at.is_not(None))
    return session.scalar(select(func.coalesce(Worker.fault, "")).where(*live).limit(1))


def _is_on_host(table: type[Worker | Scheduler], host: str) -> ColumnElement[bool]:
    return table.name.regexp_match(name_pattern(host))


def _is_recent(table: type[Worker | Scheduler], seen_within: float) -> ColumnElement[bool]:
    return table.seen_at > SEARCH_NOW - timedelta(seconds=seen_within)
