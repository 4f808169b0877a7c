"""The identity of a worker, shared by its parent process and its children, and its shutdown flag."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from jobs import names
from jobs.queue.classes import UNKNOWN
from worker.interrupts import ShutdownRequested

DIRECTORY_PREFIX = "pruneserve-worker-"
"""With which the name of each worker's own temporary directory begins."""

_NAME, _SHUTDOWN_FLAG = "_PRUNESERVE_WORKER_NAME", "_PRUNESERVE_WORKER_SHUTDOWN_FLAG"
_QUEUE = "_PRUNESERVE_WORKER_QUEUE"


@dataclass(frozen=True, slots=True)
class Identity:
    """A worker: a parent process and the children that run its jobs, one at a time."""

    name: str
    shutdown_flag: Path
    """Exists once the worker must shut down. Only the parent gets SIGTERM; its child polls this file."""
    one_job: bool = False
    """Whether it ends after its first claim, or where there is nothing to claim."""
    queue: str = UNKNOWN
    """Its class, once it is known."""

    @classmethod
    def new(cls, *, one_job: bool = False) -> Self:
        """Make a worker with a name that is unique across machines."""
        directory = Path(tempfile.mkdtemp(prefix=DIRECTORY_PREFIX))
        return cls(names.new_name(), directory / "shutdown", one_job)

    @classmethod
    def from_environment(cls) -> Self:
        """Return, in a child, the identity that its parent has exported."""
        return cls(os.environ[_NAME], Path(os.environ[_SHUTDOWN_FLAG]), queue=os.environ[_QUEUE])

    def export(self) -> None:
        """Put the identity into the environment that child processes inherit."""
        os.environ[_NAME], os.environ[_SHUTDOWN_FLAG] = self.name, str(self.shutdown_flag)
        os.environ[_QUEUE] = self.queue

    @property
    def holdings(self) -> Path:
        """The directory in which children record what they hold: see `worker.holding`."""
        return self.shutdown_flag.with_name("holdings")

    @property
    def figures(self) -> Path:
        """The socket at which the parent takes in what its children have counted."""
        return self.shutdown_flag.with_name("figures")

    def request_shutdown(self) -> None:
        """Ask the running child to stop at its next check."""
        self.shutdown_flag.touch()

    def remove_shutdown_flag(self) -> None:
        """Remove the flag and the directory that `new` made for it."""
        shutil.rmtree(self.shutdown_flag.parent)

    def check(self) -> None:
        """Raise `ShutdownRequested` if the worker must shut down."""
        if self.shutdown_flag.exists():
            raise ShutdownRequested


@contextmanager
def shutdown_on_sigterm(worker: Identity) -> Iterator[None]:
    """While a job runs, treat a SIGTERM to this child as one to its parent.

    Some supervisors signal every process of a service. Without this the child would die in the middle of a
    block and the attempt would count as lost; with it the child finishes the block and hands the job back.
    """

    def request_shutdown(number: int, frame: FrameType | None) -> None:
        worker.request_shutdown()

    before = signal.signal(signal.SIGTERM, request_shutdown)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
