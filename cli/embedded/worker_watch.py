"""Says on the terminal whether a worker takes jobs, why not, and that it hangs: its log is read too late."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cli.embedded.supervisor import say
from cli.terminal import clean
from jobs import names
from jobs.database import sqlalchemy_url
from jobs.queue import quarantine
from jobs.tables import Worker

_CHECK_SECONDS = 2.0
_FIRST_CHECK_SECONDS = 0.2  # somebody waits for the first word
_CONNECT_SECONDS = 5


class WorkerWatch:
    """Reads the rows of the workers, again and again, and says what changes."""

    def __init__(
        self, database_url: str, log: Path, *, own_process: Callable[[], int | None], silent_seconds: float
    ) -> None:
        """`log` is that of the worker of `own_process`, its id while it runs; others may be started by hand.

        `silent_seconds`: how long that worker may go without a heartbeat before it is said to hang.
        """
        self.heard = threading.Event()
        """Set once the own worker has said whether it takes jobs."""
        self._engine = create_engine(
            sqlalchemy_url(database_url),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
        )
        self._log = log
        self._own_process, self._silent = own_process, timedelta(seconds=silent_seconds)
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
            process = self._own_process()
            running = None if process is None else names.beginning(process)
            if running is not None:
                self._own.add(running)
            asked_at = time.monotonic()
            try:
                with Session(self._engine) as session:
                    workers = quarantine.workers(session)
            except SQLAlchemyError:  # whoever watches the database says so
                self._no_answer_at = time.monotonic()
                continue
            if time.monotonic() - asked_at > _CONNECT_SECONDS:
                self._no_answer_at = time.monotonic()
            for worker in workers:
                if worker.seen_at > self._began:  # else it was killed before
                    self._note(worker)
                    if running is not None and worker.name.startswith(running):
                        self._note_silence(worker, process)

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
            more = f" (log: {self._log})" if is_own else ""
            say(f"{called} takes no jobs: {clean(worker.fault)}{more}")
        elif worker.quarantined_at is None and name not in self._fit:
            again = " again" if name in self._quarantined else ""
            self._fit.add(name)
            self._quarantined.discard(name)
            say(f"{called} takes jobs{again}")
        if is_own:
            self.heard.set()

    def _note_silence(self, worker: Worker, process: int | None) -> None:
        """Say of a worker whose process runs that it sends no heartbeats, and that it does again.

        A database that has not answered took no heartbeat either: then the worker has as long again.
        """
        name, is_silent = worker.name, datetime.now(UTC) - worker.seen_at > self._silent
        had_time = time.monotonic() - self._no_answer_at > self._silent.total_seconds()
        if is_silent and had_time and name not in self._hanging:
            self._hanging.add(name)
            since = f"{worker.seen_at.astimezone():%H:%M:%S}"
            say(
                f"worker {clean(name)} hangs: it has given no sign of life since {since}, and takes no jobs; "
                f"after `kill -9 {process}` it is started again (log: {self._log})"
            )
        elif not is_silent and name in self._hanging:
            self._hanging.discard(name)
            say(f"worker {clean(name)} gives signs of life again")


@contextmanager
def workers_watched(
    database_url: str, log: Path, *, own_process: Callable[[], int | None], silent_seconds: float
) -> Iterator[WorkerWatch]:
    """While active, say of each worker whether it takes jobs, and each time that this changes.

    A thread of its own asks the database, so that one that hangs holds nothing up.
    """
    watch = WorkerWatch(database_url, log, own_process=own_process, silent_seconds=silent_seconds)
    threading.Thread(target=watch.run, name="worker watch", daemon=True).start()
    try:
        yield watch
    finally:
        watch.stop()
