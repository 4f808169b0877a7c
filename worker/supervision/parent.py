"""A worker's parent process. It starts the children that run jobs and supervises them; it runs no job itself.

While it takes jobs, the parent is registered in the table of live workers. When it has to shut down, it
raises a flag that the child checks between two steps. When a child dies in the middle of a job, it requeues
the job and records why, as soon as the database answers, instead of leaving the job until its lease expires.
A child that does not stop when it must is killed: see `worker.supervision.watchdog`. A worker that is
drained ends in order.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from celery import signals
from celery.exceptions import WorkerLostError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from jobs import limits
from jobs.database import Database
from jobs.lifecycle import lifecycle
from jobs.queue import conditions, held_jobs, shortage, workers
from jobs.queue.resources import UNKNOWN_QUEUE
from jobs.queue.workers import WorkerConditions
from jobs.settings import Settings
from jobs.states import LostAttempt
from pruning.sandbox.fork_server import describe_sandbox_layers, missing_sandbox_layers, sandbox_layer_status
from worker import identity, scratch
from worker.capacity import capacity_of, queue_of, scratch_room
from worker.identity import HeldClaim, Identity
from worker.supervision.child_memory import MemoryUse, OomKills, death_cause
from worker.supervision.quarantine import Quarantine, try_write
from worker.supervision.watchdog import Watchdog

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_SWEEPS = 300.0


class Drain:
    """Follows the conditions of one worker's row, from its heartbeat."""

    def __init__(self, identity: Identity) -> None:
        """Nothing happens before `follow`."""
        self._identity = identity
        self._cordoned = False
        self._ends = False

    def follow(self, session: Session, conditions: WorkerConditions) -> None:
        """Apply the conditions of the worker's row."""
        if self._ends:
            return
        if conditions.cordoned != self._cordoned:
            word = "is cordoned: it takes no more jobs" if conditions.cordoned else "takes jobs again"
            log.info("worker %s %s", self._identity.name, word)
            self._cordoned = conditions.cordoned
        if conditions.draining and not self._is_busy(session):
            # As after a SIGTERM, with exit code 0. A second signal would make Celery kill its child.
            self._ends = True
            log.info("worker %s is drained: it ends", self._identity.name)
            os.kill(os.getpid(), signal.SIGTERM)

    def _is_busy(self, session: Session) -> bool:
        # A claim is recorded before it is committed. On a read-only disk its record stays when it has ended.
        records = identity.held_claims(self._identity.claims_directory)
        is_recorded = any(not held.is_overdue(0) for held in records)
        return is_recorded or held_jobs.held_by(session, self._identity.name) is not None


class Parent:
    """Handles the signals that Celery sends in the parent process."""

    def __init__(self, settings: Settings, database: Database, identity: Identity) -> None:
        """Nothing happens before `connect_signals`."""
        self._settings = settings
        self._database = database
        self._identity = identity
        self._queue = (*settings.queues, UNKNOWN_QUEUE)[0]
        self._undeclared: Callable[[Session], None] | None = None  # what the next heartbeat declares
        self._conditions: WorkerConditions | None = None  # of the last heartbeat
        self._lost: list[tuple[HeldClaim, LostAttempt, str]] = []  # still to be taken back
        self._shutting_down = threading.Event()
        self._oom_kills = OomKills()
        self._pool: Any = None  # Celery's, from `worker_ready` on
        self.exit_code = 0
        """That of Celery, which keeps it to itself: not 0 if it has failed."""
        self._watchdog = Watchdog(settings, database, identity, self._children)
        self._drain = Drain(identity)
        self._quarantine = Quarantine(
            settings,
            database,
            identity.name,
            self._queue,
            clean_scratch=self._clean_scratch,
            replace_child=self._watchdog.replace_idle_children,
            child_fault=self._watchdog.fault,
        )
        self._heartbeat = threading.Thread(target=self._beat, name="worker heartbeat", daemon=True)
        self._sweep = threading.Thread(target=self._sweep_scratch, name="scratch sweep", daemon=True)

    def held_memory(self) -> MemoryUse:
        """Return what the processes of this worker's job hold of the host's memory."""
        return self._watchdog.memory()

    def connect_signals(self) -> None:
        """Handle Celery's signals from now on."""
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.worker_shutting_down.connect(self._on_shutting_down, weak=False)
        signals.task_failure.connect(self._on_task_failure, weak=False)
        signals.worker_shutdown.connect(self._on_shutdown, weak=False)

    def wait_until_fit(self) -> str:
        """Return the queue that this worker reads, once the machine has passed the self-test.

        Call it before any job may run. What killed workers left here of jobs that have ended is deleted. Ends
        the process if the worker is drained meanwhile.
        """
        capacity = capacity_of(self._settings, self._quarantine.wait_until_fit())
        self._queue = queue_of(self._settings, capacity)
        log.info("worker %s reads the queue %s and has %s", self._identity.name, self._queue, capacity)
        self._undeclared = partial(
            workers.record_capacity,
            worker=self._identity.name,
            queue=self._queue,
            capacity=capacity,
            queues=self._settings.queues or None,
        )
        return self._queue

    def stop(self) -> None:
        """Stop the heartbeat and deregister the worker."""
        self._quarantine.stop()
        self._watchdog.stop()
        self._shutting_down.set()
        if self._heartbeat.is_alive():
            self._heartbeat.join()
        else:  # it has never taken a job
            self._write(lambda session: workers.delete_worker(session, self._identity.name))

    def _on_ready(self, sender: Any = None, **signal: Any) -> None:  # noqa: ANN401 - Celery's signature
        log.info("worker %s is ready", self._identity.name)
        missing = missing_sandbox_layers()
        log.info("%s", describe_sandbox_layers(missing))
        self._write(
            lambda session: workers.record_sandbox(
                session, self._identity.name, sandbox_layer_status(missing)
            )
        )
        self._pool = getattr(sender, "pool", None)
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
        self._watchdog.shutdown_started()
        self._shutting_down.set()
        self._identity.request_shutdown()  # on a full disk it fails, and the watchdog acts

    def _on_shutdown(self, sender: Any = None, **signal: Any) -> None:  # noqa: ANN401 - Celery's signature
        self.exit_code = getattr(sender, "exitcode", None) or 0

    def _on_task_failure(
        self,
        exception: BaseException,
        task_id: str,
        **signal: Any,  # noqa: ANN401 - Celery's signature
    ) -> None:
        if not isinstance(exception, WorkerLostError):
            return
        held = identity.read_claim(self._identity.claims_directory / f"{task_id}.json")
        if held is not None:
            held.remove()
            kind, reason = death_cause(str(exception), out_of_memory=self._oom_kills.any_new())
            self._lost.append((held, kind, reason))
            self._take_back_lost()

    def _take_back_lost(self) -> None:
        """Take back what children held that have died. It is tried again with each heartbeat."""
        for lost in [*self._lost]:
            if self._write(partial(self._take_back, lost=lost[0], kind=lost[1], reason=lost[2])):
                with suppress(ValueError):  # another thread has done the same
                    self._lost.remove(lost)

    def _take_back(self, session: Session, lost: HeldClaim, kind: LostAttempt, reason: str) -> None:
        name, most = self._identity.name, limits.MAX_LOST_ATTEMPTS
        held = held_jobs.held_by(session, name, job_id=lost.job_id, lock=True)
        if held is None or held.claim.lease_token != lost.lease_token:
            return
        if kind == LostAttempt.OUT_OF_MEMORY:
            state = shortage.take_back_out_of_memory(
                session, held.claim, name, reason, most, limits.LEASE_SECONDS
            )
        else:
            state = lifecycle.take_back(session, lost.job_id, lost.lease_token, reason, most, kind)
        log.warning("job %s: %s; it is %s now", lost.job_id, reason, state)

    def _sweep_scratch(self) -> None:
        """Delete now and then what is left of jobs that ended, or went on, elsewhere, and record the room.

        In a thread of its own, which is never joined: terabytes take minutes.
        """
        while not self._shutting_down.wait(_SECONDS_BETWEEN_SWEEPS):
            self._clean_scratch()
            self._record_more_room()

    def _clean_scratch(self) -> None:
        try:
            found = scratch.abandoned_directories(self._database, self._settings.work_dir)
            scratch.remove_directories(found)
        except SQLAlchemyError as error:
            log.warning("could not clean the work directory (%s)", type(error).__name__)
        except OSError as error:  # the self-test says what is wrong with the directory
            log.warning("could not clean the work directory (%s)", error)

    def _record_more_room(self) -> None:
        """Record that the scratch disk has more room than was known: jobs may wait for that.

        Less is recorded by the job that meets it: what jobs have left here, their next attempts may use.
        """
        name = self._identity.name
        with suppress(OSError):  # the self-test says what is wrong with the directory
            room = scratch_room(self._settings)
            self._write(lambda session: workers.record_scratch(session, name, room, if_more=True))

    def _beat(self) -> None:
        """Register the worker as alive every few seconds, and deregister it at the end."""
        name = self._identity.name
        while not self._shutting_down.is_set():
            if self._write(self._send_heartbeat):
                self._undeclared = None
            self._take_back_lost()
            self._shutting_down.wait(limits.HEARTBEAT_SECONDS)
        self._write(lambda session: workers.delete_worker(session, name))

    def _send_heartbeat(self, session: Session) -> None:
        """Send a heartbeat, and follow the conditions of the worker's row."""
        name, fault = self._identity.name, self._watchdog.fault()
        if fault is not None:
            conditions.quarantine(session, name, fault)
        if self._undeclared is not None:
            self._undeclared(session)
        self._conditions = workers.record_worker_heartbeat(session, name, self._queue, self._conditions)
        self._quarantine.follow(self._conditions.quarantined)
        self._drain.follow(session, self._conditions)

    def _write(self, write: Callable[[Session], None]) -> bool:
        return try_write(self._database, write)
