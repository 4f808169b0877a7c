"""Reports on the terminal whether a worker takes jobs, why not, and that a worker or the scheduler hangs.

Their logs are read too late.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import NullPool, create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cli.embedded.supervisor import say
from cli.terminal import clean
from jobs import names
from jobs.database import disk_is_full, sqlalchemy_url
from jobs.queue import quarantine
from jobs.tables import Scheduler, Worker

_CHECK_SECONDS = 2.0
_FIRST_CHECK_SECONDS = 0.2  # a user waits for the first message
_CONNECT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Own:
    """A process that was started here and records heartbeats."""

    log: Path
    process: Callable[[], int | None]
    """Returns its id while it runs."""
    stalls: str
    """What stands still while it hangs."""


class WorkerWatch:
    """Reads the rows of the workers and schedulers, again and again, and reports what changes."""

    def __init__(self, database_url: str, *, worker: Own, scheduler: Own, silent_seconds: float) -> None:
        """Workers and schedulers other than these may be started by hand.

        `silent_seconds`: how long these may go without a heartbeat before they are reported to hang.
        """
        self.heard = threading.Event()
        """Set once the own worker has said whether it takes jobs."""
        self._engine = create_engine(
            sqlalchemy_url(database_url),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
        )
        self._worker, self._scheduler = worker, scheduler
        self._silent = timedelta(seconds=silent_seconds)
        self._own: set[str] = set()  # how the names of the own worker's processes begin
        self._began = datetime.now(UTC)
        self._ended = threading.Event()
        self._quarantined: set[str] = set()
        self._fit: set[str] = set()
        self._hanging: set[str] = set()
        self._no_answer_at = -math.inf  # when the database last gave none, or a late one

    @property
    def takes_jobs(self) -> bool:
        """Whether the own worker takes jobs."""
        return any(map(self._is_own, self._fit))

    def run(self) -> None:
        """Read until `stop` is called."""
        while not self._ended.wait(_CHECK_SECONDS if self.heard.is_set() else _FIRST_CHECK_SECONDS):
            process = self._worker.process()
            if process is not None:
                self._own.add(names.beginning(process))
            asked_at = time.monotonic()
            try:
                with Session(self._engine) as session:
                    workers = quarantine.workers(session)
                    schedulers = session.scalars(select(Scheduler)).all()
                    takes_heartbeats = not disk_is_full(session)
            except SQLAlchemyError:  # the watch of the servers reports it
                self._no_answer_at = time.monotonic()
                continue
            if time.monotonic() - asked_at > _CONNECT_SECONDS or not takes_heartbeats:
                self._no_answer_at = time.monotonic()
            for worker in workers:
                if worker.seen_at > self._began:  # else it was killed before
                    self._note(worker)
            self._note_silence("worker", self._worker, process, workers)
            self._note_silence("scheduler", self._scheduler, self._scheduler.process(), schedulers)

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()

    def _is_own(self, name: str) -> bool:
        return name.startswith(tuple(self._own))

    def _note(self, worker: Worker) -> None:
        name, is_own = worker.name, self._is_own(worker.name)
        called = f"worker {clean(name)}" if is_own else f"worker {clean(name)}, which was not started here,"
        if worker.quarantined_at is not None and name not in self._quarantined:
            self._quarantined.add(name)
            self._fit.discard(name)
            more = f" (log: {self._worker.log})" if is_own else ""
            say(f"{called} takes no jobs: {clean(worker.fault)}{more}")
        elif worker.quarantined_at is None and name not in self._fit:
            again = " again" if name in self._quarantined else ""
            self._fit.add(name)
            self._quarantined.discard(name)
            say(f"{called} takes jobs{again}")
        if is_own:
            self.heard.set()

    def _note_silence(
        self, kind: str, own: Own, process: int | None, rows: Sequence[Worker] | Sequence[Scheduler]
    ) -> None:
        """Report of a process that runs that it records no heartbeats, and that it does again.

        A database that has not answered, or refuses to write, took no heartbeat either: then the process has
        as long again.
        """
        had_time = time.monotonic() - self._no_answer_at > self._silent.total_seconds()
        for row in rows:
            is_own = process is not None and row.name.startswith(names.beginning(process))
            if not is_own or row.seen_at <= self._began:  # else it was killed before
                continue
            name, is_silent = row.name, datetime.now(UTC) - row.seen_at > self._silent
            if is_silent and had_time and name not in self._hanging:
                self._hanging.add(name)
                say(
                    f"{kind} {clean(name)} hangs: it has given no sign of life since "
                    f"{row.seen_at.astimezone():%H:%M:%S}, and {own.stalls}; after `kill -9 {process}` it is "
                    f"started again (log: {own.log})"
                )
            elif not is_silent and name in self._hanging:
                self._hanging.discard(name)
                say(f"{kind} {clean(name)} gives signs of life again")


@contextmanager
def watch_workers(
    database_url: str, *, worker: Own, scheduler: Own, silent_seconds: float
) -> Iterator[WorkerWatch]:
    """While active, report whether each worker takes jobs, and that `worker` or `scheduler` hangs.

    A thread of its own asks the database, so that one that hangs holds nothing up.
    """
    watch = WorkerWatch(database_url, worker=worker, scheduler=scheduler, silent_seconds=silent_seconds)
    threading.Thread(target=watch.run, name="worker watch", daemon=True).start()
    try:
        yield watch
    finally:
        watch.stop()
