"""Reports on the terminal that a server does not respond, a process hangs, or a worker takes no jobs.

Nothing restarts such a process, and its log is read too late.
"""

import math
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import NullPool, create_engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cli.embedded.process import OwnedProcess
from cli.embedded.supervisor import print_line
from cli.terminal import clean
from jobs.database import disk_is_full, sqlalchemy_url
from jobs.queue import conditions
from jobs.queue import workers as registered
from jobs.tables import Scheduler, Worker

_CHECK_SECONDS = 2.0
_FIRST_CHECK_SECONDS = 0.2  # a user waits for the first message
_CONNECT_SECONDS = 5
_MAX_SILENCE_SECONDS = 10.0
"""How long a server may be busy, or start again, before it is reported not to respond."""


class _Alarm:
    """Reports that a condition begins, and that it is over."""

    def __init__(self) -> None:
        self.active = False

    def update(self, active: bool, *, begin: str, end: str) -> None:
        """Print a line if the condition has changed."""
        if active != self.active:
            print_line(begin if active else end)
        self.active = active


class _ServerWatch:
    """One server: when it last responded, and whether its disk was full then."""

    def __init__(self, server: OwnedProcess) -> None:
        self._server = server
        self._responded_at = time.monotonic()
        self._is_full = False
        self._silence, self._full_disk = _Alarm(), _Alarm()

    def poll(self, ended: threading.Event) -> None:
        """Probe the server regularly. A probe may hang, so `report` has a thread of its own."""
        while not ended.wait(_CHECK_SECONDS):
            if self._server.responds():
                self._is_full = self._server.disk_is_full()
                self._responded_at = time.monotonic()
            elif not self._server.running:  # the supervisor reports that it has died
                self._responded_at = time.monotonic()

    def report(self) -> None:
        """Report each change: whether the server responds, and whether its disk is full."""
        seconds, server = time.monotonic() - self._responded_at, self._server
        since = datetime.fromtimestamp(time.time() - seconds, UTC)
        self._silence.update(
            seconds > _MAX_SILENCE_SECONDS,
            begin=f"{server.name} (process {server.pid}) has not answered since {since:%H:%M:%SZ}: "
            f"{server.consequence} until it does (log: {server.log})",
            end=f"{server.name} answers again",
        )
        self._full_disk.update(
            self._is_full,
            begin=f"the disk of {server.name} is full: {server.consequence} until there is room on the disk "
            f"of {server.directory}; nothing needs a restart",
            end=f"{server.name} has room on its disk again",
        )


@contextmanager
def watch_servers(servers: Sequence[OwnedProcess]) -> Iterator[None]:
    """While active, report each server that does not respond for a while, or has no room on its disk."""
    ended, watches = threading.Event(), [_ServerWatch(server) for server in servers]

    def report() -> None:
        while not ended.wait(_CHECK_SECONDS):
            for watch in watches:
                watch.report()

    for watch in watches:
        threading.Thread(target=watch.poll, args=(ended,), name="server watch", daemon=True).start()
    threading.Thread(target=report, name="server watch", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


class WorkerWatch:
    """Reads the rows of workers and schedulers regularly, and reports what changes."""

    def __init__(
        self, database_url: str, *, worker: OwnedProcess, scheduler: OwnedProcess, silent_seconds: float
    ) -> None:
        """Other workers and schedulers than these may be started by hand.

        `silent_seconds`: how long these may go without a heartbeat before they are reported to hang.
        """
        self.reported = threading.Event()
        """Set once the worker of this `up` has reported whether it takes jobs."""
        self._engine = create_engine(
            sqlalchemy_url(database_url),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": _CONNECT_SECONDS},
        )
        self._worker, self._scheduler = worker, scheduler
        self._silent = timedelta(seconds=silent_seconds)
        self._prefixes: set[str] = set()  # of the names of this worker's processes
        self._began = datetime.now(UTC)
        self._ended = threading.Event()
        self._takes_jobs: dict[str, bool] = {}
        self._hangs: defaultdict[str, _Alarm] = defaultdict(_Alarm)
        self._no_answer_at = -math.inf  # when the database last did not respond, or responded late

    @property
    def takes_jobs(self) -> bool:
        """Whether the worker of this `up` takes jobs."""
        return any(takes and self._is_own(name) for name, takes in list(self._takes_jobs.items()))

    def run(self) -> None:
        """Read until `stop` is called."""
        while not self._ended.wait(_CHECK_SECONDS if self.reported.is_set() else _FIRST_CHECK_SECONDS):
            if (pid := _pid(self._worker)) is not None:
                self._prefixes.add(registered.name_prefix(pid))
            asked_at = time.monotonic()
            try:
                with Session(self._engine) as session:
                    workers = conditions.listed_workers(session)
                    schedulers = session.scalars(select(Scheduler)).all()
                    takes_heartbeats = not disk_is_full(session)
            except SQLAlchemyError:  # the watch of the servers reports it
                self._no_answer_at = time.monotonic()
                continue
            if time.monotonic() - asked_at > _CONNECT_SECONDS or not takes_heartbeats:
                self._no_answer_at = time.monotonic()
            for worker in workers:
                if worker.seen_at > self._began:  # else it was killed before
                    self._report(worker)
            self._report_hang("worker", self._worker, workers)
            self._report_hang("scheduler", self._scheduler, schedulers)

    def stop(self) -> None:
        """Read no more."""
        self._ended.set()

    def _is_own(self, name: str) -> bool:
        return name.startswith(tuple(self._prefixes))

    def _report(self, worker: Worker) -> None:
        """Report whether a worker takes jobs, if that has changed."""
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

    def _report_hang(
        self, kind: str, process: OwnedProcess, rows: Sequence[Worker] | Sequence[Scheduler]
    ) -> None:
        """Report that a running process records no heartbeats, and that it does again.

        A database that does not respond, or refuses to write, takes no heartbeat either: after that the
        process has the same time again.
        """
        if (pid := _pid(process)) is None:
            return
        had_time = time.monotonic() - self._no_answer_at > self._silent.total_seconds()
        for row in rows:
            if not row.name.startswith(registered.name_prefix(pid)) or row.seen_at <= self._began:
                continue  # started elsewhere, or killed before
            alarm, name = self._hangs[row.name], clean(row.name)
            is_silent = datetime.now(UTC) - row.seen_at > self._silent
            alarm.update(
                is_silent and (had_time or alarm.active),
                begin=f"{kind} {name} hangs: it has sent no heartbeat since "
                f"{row.seen_at.astimezone(UTC):%H:%M:%SZ}, and {process.consequence}; after `kill -9 {pid}` "
                f"it is started again (log: {process.log})",
                end=f"{kind} {name} sends heartbeats again",
            )


def _pid(process: OwnedProcess) -> int | None:
    return process.pid if process.running else None


@contextmanager
def watch_workers(
    database_url: str, *, worker: OwnedProcess, scheduler: OwnedProcess, silent_seconds: float
) -> Iterator[WorkerWatch]:
    """While active, report whether each worker takes jobs, and that `worker` or `scheduler` hangs.

    A thread of its own reads the database, so that a database that hangs blocks nothing.
    """
    watch = WorkerWatch(database_url, worker=worker, scheduler=scheduler, silent_seconds=silent_seconds)
    threading.Thread(target=watch.run, name="worker watch", daemon=True).start()
    try:
        yield watch
    finally:
        watch.stop()
