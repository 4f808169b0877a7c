"""Which worker a process belongs to, and how the parent tells its child that it wants to shut down."""

import os
import secrets
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

from worker.interrupts import ShuttingDown

_NAME, _STOP_FLAG = "_PRUNESERVE_WORKER_NAME", "_PRUNESERVE_WORKER_STOP_FLAG"


@dataclass(frozen=True, slots=True)
class Identity:
    """A worker: the parent process and the children that run its jobs, one after the other."""

    name: str
    stop_flag: Path
    """Exists when the worker must shut down: SIGTERM reaches the parent alone, but a child can look."""

    @classmethod
    def new(cls) -> Self:
        """A worker that no other one is mistaken for, on whatever machine."""
        name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        return cls(name, Path(tempfile.mkdtemp(prefix="pruneserve-worker-")) / "stop")

    @classmethod
    def from_environment(cls) -> Self:
        """In a child: its parent's."""
        return cls(os.environ[_NAME], Path(os.environ[_STOP_FLAG]))

    def export(self) -> None:
        """In the parent: let the children know."""
        os.environ[_NAME], os.environ[_STOP_FLAG] = self.name, str(self.stop_flag)

    def stop(self) -> None:
        """Ask whatever runs in this worker to stop when it can."""
        self.stop_flag.touch()

    def forget(self) -> None:
        """Remove what `new` has made."""
        self.stop_flag.unlink(missing_ok=True)
        self.stop_flag.parent.rmdir()

    def check(self) -> None:
        """Raise `ShuttingDown` if the worker must."""
        if self.stop_flag.exists():
            raise ShuttingDown


@contextmanager
def stopping_on_sigterm(worker: Identity) -> Iterator[None]:
    """While a job runs, take a SIGTERM to this child as one to its parent.

    Some supervisors signal every process of a service. The child would die in the middle of a block, and the
    job count as lost; so it finishes the block and hands the job back.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        worker.stop()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
