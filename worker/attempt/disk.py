"""Room on the scratch disk: a job neither begins nor goes on where there is too little of it.

On one machine the database lies on the same disk, and a disk without any room stops more than one job.
"""

import errno
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pruning.errors import PruningError

_SECONDS_BETWEEN_LOOKS = 1.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_ROOM_IN_WORDS = re.compile(rf"os error ({errno.ENOSPC}|{errno.EDQUOT})\b")  # as safetensors tells it


class DiskFull(PruningError):
    """Too little room is left; the message has the numbers."""


class Disk:
    """The file system of a worker's scratch space."""

    def __init__(
        self, directory: Path, least_free_bytes: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`directory` is made where it is not there yet."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._least_free_bytes = least_free_bytes
        self._clock = clock
        self._looked_at = float("-inf")

    def check(self) -> None:
        """Raise `DiskFull` where less is free than must be. Looks at most once a second."""
        if self._clock() - self._looked_at < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked_at = self._clock()
        if shutil.disk_usage(self._directory).free < self._least_free_bytes:
            raise self.full()

    def full(self) -> DiskFull:
        """The error of a job that finds no room, with what is free now."""
        usage = shutil.disk_usage(self._directory)
        return DiskFull(
            f"the worker's scratch disk has {usage.free} of {usage.total} bytes free, and "
            f"{self._least_free_bytes} must stay free: make room on it, then retry the job"
        )


def ran_full(error: BaseException) -> bool:
    """Whether an error, or what has led to it, is that of a disk without room."""
    return any(
        (isinstance(cause, OSError) and cause.errno in _NO_ROOM) or _NO_ROOM_IN_WORDS.search(str(cause))
        for cause in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
