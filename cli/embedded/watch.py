"""Reports on the terminal each worker that starts, is quarantined or released: its log is read too late."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cli.embedded.process import OwnedProcess, print_line
from cli.terminal import clean
from jobs.database import sqlalchemy_url
from jobs.queue import conditions
from jobs.queue import workers as registered
from jobs.tables import Worker

_CHECK_SECONDS = 2.0
_FIRST_CHECK_SECONDS = 0.2  # a user waits for the first message
_CONNECT_SECONDS = 5


class WorkerWatch:
    """Reads the rows of workers regularly, and reports what changes."""

    def __init__(self, database_url: str, worker: OwnedProcess) -> None:
        """Other workers than `worker` may be started by hand."""
        self.reported = threading.Event()
        """Set once the worker of this `up` has reported whether it is quarantined."""
        self._engine = create_engine(
            sqlalchemy_url(database_url),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
        )
        self._worker = worker
        self._prefixes: set[str] = set()  # of the names of this worker's processes
        self._began = datetime.now(UTC)
        self._ended = threading.Event()
        self._takes_jobs: dict[str, bool] = {}

    @property
    def takes_jobs(self) -> bool:
        """Whether the worker of this `up` is registered, and not quarantined."""
        return any(takes and self._is_own(name) for name, takes in list(self._takes_jobs.items()))

    def run(self) -> None:
        """Read until `stop` is called."""
        while not self._ended.wait(_CHECK_SECONDS if self.reported.is_set() else _FIRST_CHECK_SECONDS):
            if self._worker.running and (pid := self._worker.pid) is not None:
                self._prefixes.add(registered.name_prefix(pid))
            try:
                with Session(self._engine) as session:
                    workers = conditions.listed_workers(session)
            except SQLAlchemyError:  # it restarts, or hangs
                continue
            for worker in workers:
                if worker.seen_at > self._began:  # else it was killed before
                    self._report(worker)

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()

    def _is_own(self, name: str) -> bool:
        return name.startswith(tuple(self._prefixes))

    def _report(self, worker: Worker) -> None:
        """Report whether a worker is quarantined, if that has changed; not that it is cordoned or drained."""
        is_own, takes = self._is_own(worker.name), worker.quarantined_at is None
        before = self._takes_jobs.get(worker.name)
        self._takes_jobs[worker.name] = takes
        called = f"worker {clean(worker.name)}{'' if is_own else ', which was not started here,'}"
        if takes and not before:
            print_line(f"{called} takes jobs{'' if before is None else ' again'}")
        elif not takes and before is not False:
            log = f" (log: {self._worker.log})" if is_own else ""
            print_line(f"{called} takes no jobs: {clean(worker.fault)}{log}")
        if is_own:
            self.reported.set()


@contextmanager
def watch_workers(database_url: str, worker: OwnedProcess) -> Iterator[WorkerWatch]:
    """While active, report on each worker. `worker` is the one of this `up`.

    A thread of its own reads the database, so that a database that hangs blocks nothing.
    """
    watch = WorkerWatch(database_url, worker)
    threading.Thread(target=watch.run, name="worker watch", daemon=True).start()
    try:
        yield watch
    finally:
        watch.stop()
