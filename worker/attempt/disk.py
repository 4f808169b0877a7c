"""Free space on the scratch disk: a job neither starts nor continues where there is too little.

On one machine the database lies on the same disk, and a full disk stops more than one job.
"""

import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from pruning.errors import PruningError

_SECONDS_BETWEEN_CHECKS = 1.0
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_OS_ERROR = re.compile(r"\bos error ([0-9]{1,3})\b")  # as safetensors reports it


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

    def holds(self, path: str | bytes | int | None) -> bool:
        """Whether a path lies in the scratch space; of an error without a path, whether that is read-only."""
        if isinstance(path, str):
            return Path(path).absolute().is_relative_to(self._directory.absolute())
        return self._directory.exists() and bool(os.statvfs(self._directory).f_flag & os.ST_RDONLY)

    def full(self, code: str | None = None) -> DiskFull:
        """Return the error of a job that ran out of space, with the numbers as they are now.

        `code`: as the system calls it, where a write has failed.
        """
        usage = shutil.disk_usage(self._directory)
        reported = f"reported {code}: it " if code else ""
        return DiskFull(
            f"the worker's scratch disk {reported}has {usage.free} of {usage.total} bytes free, and "
            f"{self._min_free_bytes} must stay free: make room on it, then retry the job"
        )


def full_code(error: BaseException) -> str | None:
    """Return what the system calls it, if an error, or one that caused it, says that a disk is full."""
    found = first_of(error, _DISK_FULL)
    return None if found is None else code_of(found[0])


def first_of(error: BaseException, numbers: Collection[int]) -> tuple[int, BaseException] | None:
    """Return the first of these errors of the system in what an error is or was caused by, and its cause."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno is not None and cause.errno in numbers:
            return cause.errno, cause
        for found in _OS_ERROR.findall(str(cause)):
            if int(found) in numbers:
                return int(found), cause
    return None


def code_of(number: int) -> str:
    """Return what the system calls an error: `ENOSPC`."""
    return errno.errorcode.get(number, f"error {number}")


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what caused it, what caused that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
