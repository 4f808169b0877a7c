"""Free space on the scratch disk: a job neither starts nor continues where there is too little.

On one machine the database lies on the same disk, and a full disk stops more than one job.
"""

import errno
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pruning.errors import PruningError

_SECONDS_BETWEEN_CHECKS = 1.0
_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
_DISK_FULL_MESSAGE = re.compile(rf"os error ({errno.ENOSPC}|{errno.EDQUOT})\b")  # as safetensors reports it


class DiskFull(PruningError):
    """Too little space is free; the message has the numbers."""


class Disk:
    """The file system of a worker's scratch space."""

    def __init__(
        self, directory: Path, min_free_bytes: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`directory` is made by the first check, if it does not exist."""
        self._directory = directory
        self._min_free_bytes = min_free_bytes
        self._clock = clock
        self._checked_at = float("-inf")

    def check(self) -> None:
        """Raise `DiskFull` if too little space is free. Looks at the disk at most once a second."""
        if self._clock() - self._checked_at < _SECONDS_BETWEEN_CHECKS:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self._checked_at = self._clock()
        if shutil.disk_usage(self._directory).free < self._min_free_bytes:
            raise self.full()

    def full(self) -> DiskFull:
        """Return the error of a job that ran out of space, with the numbers as they are now."""
        usage = shutil.disk_usage(self._directory)
        return DiskFull(
            f"the worker's scratch disk has {usage.free} of {usage.total} bytes free, and "
            f"{self._min_free_bytes} must stay free: make room on it, then retry the job"
        )


def is_disk_full(error: BaseException) -> bool:
    """Whether an error, or one that caused it, says that a disk is full."""
    return any(
        (isinstance(cause, OSError) and cause.errno in _DISK_FULL) or _DISK_FULL_MESSAGE.search(str(cause))
        for cause in causes(error)
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what caused it, what caused that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
