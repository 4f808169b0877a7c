"""What a child holds, recorded in a file for its parent: it must know that while the database is away.

A child writes the file before its claim is committed, renews it with each heartbeat, and deletes it when it
has left the job. The file is named by the Celery task: so the parent finds that of a child that has died.
"""

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Holding:
    """A claim that a child of this machine holds."""

    path: Path
    job_id: UUID
    attempt: int
    lease_token: UUID
    lease_ends_at: float
    """On the monotonic clock, which all processes of a machine share."""

    def write(self) -> None:
        """Create or replace the file."""
        values = {name: str(value) for name, value in asdict(self).items() if name != "path"}
        self.path.parent.mkdir(exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(values), encoding="utf-8")
        partial.rename(self.path)

    def extended(self, lease_ends_at: float) -> None:
        """Record that the lease was extended. Where the disk is full, the parent asks the database."""
        with suppress(OSError):
            replace(self, lease_ends_at=lease_ends_at).write()

    def remove(self) -> None:
        """Delete the file: the child has left the job, or has died."""
        self.path.unlink(missing_ok=True)

    def is_overdue(self, seconds: float) -> bool:
        """Whether the lease has ended so many seconds ago, and the child has not left the job yet."""
        return time.monotonic() - self.lease_ends_at > seconds


def read(path: Path) -> Holding | None:
    """Return what a child holds in one task; None if it has no job there, or has left it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Holding(
        path,
        UUID(found["job_id"]),
        int(found["attempt"]),
        UUID(found["lease_token"]),
        float(found["lease_ends_at"]),
    )


def read_all(directory: Path) -> list[Holding]:
    """Return what the children of a worker hold: one job at most, but for one that is about to be killed."""
    found = (read(path) for path in sorted(directory.glob("*.json")))
    return [holding for holding in found if holding is not None]
