"""A worker's parent process. It starts the children that run jobs and supervises them; it runs no job itself.

While it takes jobs, the parent is registered in the table of live workers. When it is told to shut down, it
raises a flag that the child checks between two steps. When a child dies in the middle of a job, it requeues
the job at once and records why, instead of leaving the job until its lease expires. A child that does not
stop when it must is killed: see `worker.supervision.watchdog`.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from celery import signals
from celery.exceptions import WorkerLostError
from celery.worker import state as celery_state
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, held_jobs, machines, placing, quarantine
from jobs.fleet.dispatch_queue import Orders
from jobs.lifecycle import lifecycle
from jobs.settings import Settings
from jobs.states import LostAttempt
from pruning.sandbox.trial import held_layers, layers_in_words, layers_that_do_not_hold
from worker import scratch
from worker.capacity import capacity_of, queues_of
from worker.identity import Identity
from worker.supervision.death_cause import OomKills, death_cause
from worker.supervision.drain import Drain
from worker.supervision.held_memory import HeldMemory
from worker.supervision.quarantine import Quarantine
from worker.supervision.reading import Reading
from worker.supervision.watchdog import Watchdog
from worker.supervision.writing import written

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_SWEEPS = 300.0


class Parent:
    """Handles the signals that Celery sends in the parent process."""

    def __init__(
        self, settings: Settings, database: sessionmaker[Session], identity: Identity, queue: str
    ) -> None:
        """Nothing happens before `connect_signals`. `queue` is the worker's class until it is fit."""
        self._settings = settings
        self._database = database
        self._identity = identity
        self._queues: Sequence[str] = (queue,)  # its class first
        self._undeclared: Callable[[Session], None] | None = None  # what the next heartbeat declares
        self._orders: Orders | None = None  # of the last heartbeat
        self._shutting_down = threading.Event()
        self._oom_kills = OomKills()
        self._pool: Any = None  # Celery's, from `worker_ready` on
        self._watchdog = Watchdog(settings, database, identity.name, self._children, _running_jobs)
        self._reading = Reading()
        self._drain = Drain(identity, self._queues, self._reading, _running_jobs)
        self._quarantine = Quarantine(
            settings,
            database,
            identity.name,
            queue,
            self._reading,
            clean_scratch=self._clean_scratch,
            replace_child=self._watchdog.replace_idle_children,
            childrens_fault=self._watchdog.fault,
        )
        self._heartbeat = threading.Thread(target=self._beat, name="worker heartbeat", daemon=True)
        self._sweep = threading.Thread(target=self._sweep_scratch, name="scratch sweep", daemon=True)

    def held_memory(self) -> HeldMemory:
        """Return what the processes of this worker's job hold of the host's memory."""
        return self._watchdog.memory()

    def connect_signals(self) -> None:
        """Handle Celery's signals from now on."""
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.worker_shutting_down.connect(self._on_shutting_down, weak=False)
        signals.task_failure.connect(self._on_task_failure, weak=False)

    def wait_until_fit(self) -> Sequence[str]:
        """Return which queues to read, once this machine has passed the self-test.

        Call it before any job may run. What killed workers left here of jobs that have ended is deleted. Ends
        the process if the worker is drained meanwhile.
        """
        capacity = capacity_of(self._settings, self._quarantine.wait_until_fit())
        queues = queues_of(self._settings, capacity)
        log.info("worker %s reads %s and has %s", self._identity.name, ", ".join(queues), capacity)
        self._queues = queues
        self._quarantine.is_of_class(queues[0])
        self._drain.reads(queues)
        self._undeclared = partial(
            machines.declared,
            worker=self._identity.name,
            queues=queues,
            capacity=capacity,
            one_job=self._identity.one_job,
        )
        return queues

    def stop(self) -> None:
        """Stop the heartbeat and deregister the worker."""
        self._quarantine.stop()
        self._watchdog.stop()
        self._shutting_down.set()
        if self._heartbeat.is_alive():
            self._heartbeat.join()
        else:  # it has never taken a job
            self._write(lambda session: dispatch_queue.worker_gone(session, self._identity.name))

    def _on_ready(self, sender: Any = None, **signal: Any) -> None:  # noqa: ANN401 - Celery's signature
        log.info("worker %s is ready", self._identity.name)
        missing = layers_that_do_not_hold()
        log.info("%s", layers_in_words(missing))
        self._write(
            lambda session: machines.confined(
                session, self._identity.name, self._queues[0], held_layers(missing)
            )
        )
        self._pool = getattr(sender, "pool", None)
        self._reading.begins(sender, self._queues)
        self._heartbeat.start()
        self._watchdog.start()
        self._sweep.start()

    def _children(self) -> list[int]:
        if self._pool is None:
            return []
        try:
            return list(self._pool.info["processes"])
        except AttributeError:
            # The watchdog asks until the end, and Celery lets its processes go before that.
            if self._pool._pool is not None:
                raise
            return []

    def _on_shutting_down(self, **signal: Any) -> None:  # noqa: ANN401 - Celery's signature
        log.info("worker %s shuts down; a running job is handed back", self._identity.name)
        self._identity.request_shutdown()
        self._watchdog.shutdown_started()
        self._shutting_down.set()

    def _on_task_failure(
        self,
        exception: BaseException,
        args: list[str],
        **signal: Any,  # noqa: ANN401 - Celery's signature
    ) -> None:
        if not isinstance(exception, WorkerLostError):
            return
        kind, reason = death_cause(str(exception), out_of_memory=self._oom_kills.any_new())
        self._write(lambda session: self._take_back(session, UUID(args[0]), kind, reason))

    def _take_back(self, session: Session, job_id: UUID, kind: LostAttempt, reason: str) -> None:
        # Whatever this worker holds was held by the dead child: there is one child at a time.
        name, most = self._identity.name, self._settings.max_lost_attempts
        held = held_jobs.held_by(session, name, job_id=job_id, lock=True)
        if held is None:
            return
        if kind == LostAttempt.OUT_OF_MEMORY:
            state = placing.take_back_out_of_memory(
                session, held.claim, name, reason, most, self._settings.lease_seconds
            )
        else:
            state = lifecycle.take_back(session, job_id, held.claim.lease_token, reason, most, kind)
        log.warning("job %s: %s; it is %s now", job_id, reason, state)

    def _sweep_scratch(self) -> None:
        """Delete now and then what is left of jobs that ended, or went on, elsewhere.

        In a thread of its own, which nobody waits for: terabytes take minutes.
        """
        while not self._shutting_down.wait(_SECONDS_BETWEEN_SWEEPS):
            self._clean_scratch()

    def _clean_scratch(self) -> None:
        work_dir, spared = self._settings.work_dir, _running_jobs()
        found: list[Path] = []
        try:
            self._write(lambda session: found.extend(scratch.abandoned(session, work_dir, spared=spared)))
            scratch.remove(found)
        except OSError as error:  # the self-test says what is wrong with the directory
            log.warning("could not clean the work directory (%s)", error)

    def _beat(self) -> None:
        """Register the worker as alive every few seconds, and deregister it at the end."""
        name = self._identity.name
        told: Orders | None = None

        def see(session: Session) -> None:
            nonlocal told
            told = self._seen(session)

        while not self._shutting_down.is_set():
            if self._write(see):
                self._undeclared, self._orders = None, told
            self._shutting_down.wait(self._settings.heartbeat_seconds)
        self._write(lambda session: dispatch_queue.worker_gone(session, name))

    def _seen(self, session: Session) -> Orders:
        """Send a heartbeat, and do what it is told. What is remembered of it is so after the commit."""
        name, fault = self._identity.name, self._watchdog.fault()
        if fault is not None:
            quarantine.quarantine(session, name, self._queues[0], fault)
        if self._undeclared is not None:
            self._undeclared(session)
        orders = dispatch_queue.worker_seen(session, name, self._queues[0], self._orders)
        self._quarantine.follow(orders.quarantined)
        self._drain.follow(session, orders)
        return orders

    def _write(self, write: Callable[[Session], None]) -> bool:
        return written(self._database, write)


def _running_jobs() -> set[UUID]:
    """Return the jobs that a child has begun and from which it has not returned, as Celery knows them."""
    requests = list(celery_state.requests.values())  # at once: the main thread changes it
    return {UUID(request.args[0]) for request in requests if request.worker_pid is not None}
