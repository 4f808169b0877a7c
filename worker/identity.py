"""What a worker's parent and children share: its name, its shutdown flag, and records of claims.

A child records the claim that it holds in a file for its parent, which must know it while the database is
unavailable. The child writes the file before its claim is committed, renews it with each heartbeat, and
deletes it when it has left the job. The file is named by the Celery task, so the parent finds that of a child
that has died.
"""

import json
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Self
from uuid import UUID

from jobs.clock import boot_time
from jobs.queue import workers
from worker.interrupts import ShutdownRequested

log = logging.getLogger(__name__)

DIRECTORY_PREFIX = "pruneserve-worker-"
"""With which the name of each worker's own temporary directory begins."""

_NAME, _SHUTDOWN_FLAG = "_PRUNESERVE_WORKER_NAME", "_PRUNESERVE_WORKER_SHUTDOWN_FLAG"


@dataclass(frozen=True, slots=True)
class Identity:
    """A worker: a parent process and the children that run its jobs, one at a time."""

    name: str
    shutdown_flag: Path
    """Exists once the worker must shut down. Only the parent gets SIGTERM; its child polls this file."""

    @classmethod
    def new(cls) -> Self:
        """Make a worker with a name that is unique across machines."""
        directory = Path(tempfile.mkdtemp(prefix=DIRECTORY_PREFIX))
        return cls(workers.unique_name(), directory / "shutdown")

    @classmethod
    def from_environment(cls) -> Self:
        """Return, in a child, the identity that its parent has exported."""
        return cls(os.environ[_NAME], Path(os.environ[_SHUTDOWN_FLAG]))

    def export(self) -> None:
        """Put the identity into the environment that child processes inherit."""
        os.environ[_NAME], os.environ[_SHUTDOWN_FLAG] = self.name, str(self.shutdown_flag)

    @property
    def claims_directory(self) -> Path:
        """The directory in which children record the claims that they hold."""
        return self.shutdown_flag.with_name("claims")

    @property
    def metrics_socket(self) -> Path:
        """The socket at which the parent receives the metrics of its children."""
        return self.shutdown_flag.with_name("metrics")

    def request_shutdown(self) -> None:
        """Ask the running child to stop at its next check."""
        self.shutdown_flag.touch()

    def remove_directory(self) -> None:
        """Remove the flag and the directory that `new` made for it. Where the disk fails, it stays."""
        shutil.rmtree(self.shutdown_flag.parent, ignore_errors=True)

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
        with suppress(OSError):  # of the disk, and no failure of the job: the parent logs it, and hands back
            worker.request_shutdown()

    before = signal.signal(signal.SIGTERM, request_shutdown)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """A claim that a child of this machine holds."""

    path: Path
    job_id: UUID
    attempt: int
    lease_token: UUID
    lease_ends_at: float
    """On the clock of `boot_time`."""

    def write(self) -> None:
        """Create or replace the file."""
        values = {name: str(value) for name, value in asdict(self).items() if name != "path"}
        self.path.parent.mkdir(exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(values), encoding="utf-8")
        partial.rename(self.path)

    def record_extension(self, lease_ends_at: float) -> None:
        """Record that the lease was extended. Where the disk is full, the parent relies on the database."""
        with suppress(OSError):
            replace(self, lease_ends_at=lease_ends_at).write()

    def remove(self) -> None:
        """Delete the file: the child has left the job, or has died. Where the disk fails, it stays."""
        with suppress(OSError):
            self.path.unlink()

    def is_overdue(self, seconds: float) -> bool:
        """Whether the lease ended more than so many seconds ago."""
        return boot_time() - self.lease_ends_at > seconds


def read_claim(path: Path) -> HeldClaim | None:
    """Return what a child holds in one task; None if it has no job there, has left it, or the disk fails."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("the record of a claim cannot be read (%s)", error)
        return None
    return HeldClaim(
        path,
        UUID(found["job_id"]),
        int(found["attempt"]),
        UUID(found["lease_token"]),
        float(found["lease_ends_at"]),
    )


def held_claims(directory: Path) -> list[HeldClaim]:
    """Return what the children of a worker hold: one job at most, but for one that is about to be killed.

    Nothing where the disk fails: the database then decides alone. An error would end the thread that asks.
    """
    try:
        paths = sorted(directory.glob("*.json"))
    except OSError as error:
        log.warning("the records of claims cannot be read (%s)", error)
        return []
    return [holding for holding in map(read_claim, paths) if holding is not None]
