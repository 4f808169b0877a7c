"""Says on the terminal that a worker takes no jobs, and why: its log alone is read too late."""

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

_CHECK_SECONDS = 2.0


@contextmanager
def sick_workers_named(database_url: str, log: Path) -> Iterator[None]:
    """While active, say once of each quarantine why, and when it is over. `log` is the worker's.

    A thread of its own asks the database, so that one that hangs holds nothing up.
    """
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(database_url, log, ended), name="sick workers", daemon=True)
    watch.start()
    try:
        yield
    finally:
        ended.set()


def _watch(database_url: str, log: Path, ended: threading.Event) -> None:
    began = datetime.now(UTC)
    engine = create_engine(sqlalchemy_url(database_url), poolclass=NullPool, hide_parameters=True)
    said: set[str] = set()
    while not ended.wait(_CHECK_SECONDS):
        try:
            with Session(engine) as session:
                workers = quarantine.workers(session)
        except SQLAlchemyError:  # whoever watches the database's process says so
            continue
        for worker in workers:
            if worker.quarantined_at is None:
                if worker.name in said:
                    say(f"worker {clean(worker.name)} takes jobs again")
                said.discard(worker.name)
            elif worker.name not in said and worker.seen_at > began:  # else it was killed before
                say(f"worker {clean(worker.name)} takes no jobs: {clean(worker.fault)} (log: {log})")
                said.add(worker.name)
