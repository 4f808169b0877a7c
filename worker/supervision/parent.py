"""A worker's parent process: it starts the children that run jobs, speaks for them, and runs nothing itself.

The parent is in the table of live workers as long as it takes jobs. When it is told to shut down it raises a
flag that the child looks at between two steps. When a child dies in the middle of a job, it gives the job
back at once and says why, instead of leaving it until the lease runs out. A child that does not end a job by
itself is killed: see `worker.supervision.watchdog`.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

from celery import signals
from celery.exceptions import WorkerLostError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue
from jobs.lifecycle import lifecycle
from jobs.settings import Settings
from jobs.states import Loss
from worker import scratch
from worker.identity import Identity
from worker.supervision import death_cause
from worker.supervision.watchdog import Watch

log = logging.getLogger(__name__)


class Parent:
    """Hangs itself on the signals that Celery sends in the parent process."""

    def __init__(
        self, settings: Settings, database: sessionmaker[Session], identity: Identity, queue: str
    ) -> None:
        """Nothing happens before `attach`."""
        self._settings = settings
        self._database = database
        self._identity = identity
        self._queue = queue
        self._leaving = threading.Event()
        self._memory_kills = death_cause.MemoryKills()
        self._pool: Any = None  # Celery's, from `worker_ready` on
        self._watch = Watch(settings, database, identity.name, self._children)
        self._presence = threading.Thread(target=self._be_seen, name="presence", daemon=True)

    def attach(self) -> None:
        """Listen to Celery from now on."""
        signals.worker_ready.connect(self._on_ready, weak=False)
        signals.worker_shutting_down.connect(self._on_shutting_down, weak=False)
        signals.task_failure.connect(self._on_task_failure, weak=False)

    def sweep_scratch(self) -> None:
        """Remove what killed workers have left on this machine, before there is a job that may use it."""
        self._tell(lambda session: scratch.remove_abandoned(session, self._settings.work_dir))

    def leave(self) -> None:
        """Be seen no more."""
        self._watch.stop()
        self._leaving.set()
        if self._presence.is_alive():
            self._presence.join()

    def _on_ready(self, sender: Any = None, **signal: Any) -> None:  # noqa: ANN401 - Celery's signature
        log.info("worker %s is ready", self._identity.name)
        self._pool = getattr(sender, "pool", None)
        self._presence.start()
        self._watch.start()

    def _children(self) -> list[int]:
        return [] if self._pool is None else list(self._pool.info["processes"])

    def _on_shutting_down(self, **signal: Any) -> None:  # noqa: ANN401 - Celery's signature
        log.info("worker %s shuts down; a running job is handed back", self._identity.name)
        self._identity.request_shutdown()
        self._watch.leave()
        self._leaving.set()

    def _on_task_failure(
        self,
        exception: BaseException,
        args: list[str],
        **signal: Any,  # noqa: ANN401 - Celery's signature
    ) -> None:
        if not isinstance(exception, WorkerLostError):
            return
        kind, reason = death_cause.of_child(str(exception), memory_ran_out=self._memory_kills.any_new())
        self._tell(lambda session: self._give_back(session, UUID(args[0]), kind, reason))

    def _give_back(self, session: Session, job_id: UUID, kind: Loss, reason: str) -> None:
        # Whatever this worker held was held by the child that is dead: there is one at a time.
        token = dispatch_queue.lease_of(session, self._identity.name, job_id)
        if token is not None:
            state = lifecycle.give_up_lost(session, job_id, token, reason, self._settings.max_losses, kind)
            log.warning("job %s: %s; it is %s now", job_id, reason, state)

    def _be_seen(self) -> None:
        while not self._leaving.is_set():
            self._tell(lambda session: dispatch_queue.worker_seen(session, self._identity.name, self._queue))
            self._leaving.wait(self._settings.heartbeat_seconds)
        self._tell(lambda session: dispatch_queue.worker_gone(session, self._identity.name))

    def _tell(self, write: Callable[[Session], None]) -> None:
        """Write to the database if it is there. Otherwise the lease, or the next beat, makes it good."""
        try:
            with self._database.begin() as session:
                write(session)
        except SQLAlchemyError as error:
            log.warning("the database was not told (%s)", type(error).__name__)
