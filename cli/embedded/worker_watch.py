"""Says on the terminal whether a worker takes jobs, and why it does not: its log alone is read too late."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cli.embedded.supervisor import say
from cli.terminal import clean
from jobs.database import sqlalchemy_url
from jobs.fleet import quarantine
from jobs.tables import Worker

_CHECK_SECONDS = 2.0
_FIRST_CHECK_SECONDS = 0.2  # somebody waits for the first word


class WorkerWatch:
    """Reads the rows of the workers, again and again, and says what changes."""

    def __init__(self, database_url: str, log: Path) -> None:
        """`log` is the worker's, which has more than its row."""
        self.heard = threading.Event()
        """Set once a worker has said whether it takes jobs."""
        self._engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool, hide_parameters=True)
        self._log = log
        self._began = datetime.now(UTC)
        self._ended = threading.Event()
        self._quarantined: set[str] = set()
        self._fit: set[str] = set()

    @property
    def takes_jobs(self) -> bool:
        """Whether any worker takes jobs."""
        return bool(self._fit)

    def run(self) -> None:
        """Read until `stop` is called."""
        while not self._ended.wait(_CHECK_SECONDS if self.heard.is_set() else _FIRST_CHECK_SECONDS):
            try:
                with Session(self._engine) as session:
                    workers = quarantine.workers(session)
            except SQLAlchemyError:  # whoever watches the database's process says so
                continue
            for worker in workers:
                if worker.seen_at > self._began:  # else it was killed before
                    self._note(worker)

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()

    def _note(self, worker: Worker) -> None:
        name = worker.name
        if worker.quarantined_at is not None and name not in self._quarantined:
            self._quarantined.add(name)
            self._fit.discard(name)
            say(f"worker {clean(name)} takes no jobs: {clean(worker.fault)} (log: {self._log})")
        elif worker.quarantined_at is None and name not in self._fit:
            again = " again" if name in self._quarantined else ""
            self._fit.add(name)
            self._quarantined.discard(name)
            say(f"worker {clean(name)} takes jobs{again}")
        self.heard.set()


@contextmanager
def workers_watched(database_url: str, log: Path) -> Iterator[WorkerWatch]:
    """While active, say of each worker whether it takes jobs, and each time that this changes.

    A thread of its own asks the database, so that one that hangs holds nothing up.
    """
    watch = WorkerWatch(database_url, log)
    threading.Thread(target=watch.run, name="worker watch", daemon=True).start()
    try:
        yield watch
    finally:
        watch.stop()
