"""Free disk and held memory of the worker's machine.

A job neither starts nor continues where the scratch disk has too little free: on one machine the database is
on the same disk, and a full disk stops more than one job.
"""

import errno
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import psutil
import torch

from pruning.byte_size import byte_size
from pruning.errors import PruningError
from worker.self_test import HUB_CACHE, code_of, hub_cache, lacking_inodes

_SECONDS_BETWEEN_CHECKS = 1.0
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The system's errors of a full disk."""

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
        """Raise `DiskFull` if too little space is free. Reads the disk at most once a second."""
        if self._clock() - self._checked_at < _SECONDS_BETWEEN_CHECKS:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        self._checked_at = self._clock()
        if shutil.disk_usage(self._directory).free < self._min_free_bytes:
            raise self._full()

    def holds(self, path: str | bytes | int | None) -> bool:
        """Whether a path is in the scratch space; of an error without a path, whether that is read-only."""
        if isinstance(path, str):
            return is_below(path, self._directory)
        return self._directory.exists() and bool(os.statvfs(self._directory).f_flag & os.ST_RDONLY)

    def full_by(self, number: int, error: BaseException) -> DiskFull:
        """Return the error of a job for which a write has failed with this error of the system."""
        cache = hub_cache()
        if not self._is_cache_error(error, cache):
            return self._full(f" reported {code_of(number)}: it")
        usage = shutil.disk_usage(cache)
        free = f"{byte_size(usage.free)} of {byte_size(usage.total)} free: make room on it"
        return DiskFull(
            f"the disk of the worker's {HUB_CACHE} reported {code_of(number)}: it has "
            f"{lacking_inodes(cache) or free}, and retry the job if it has failed"
        )

    def _full(self, reported: str = "") -> DiskFull:
        """Return the error of a job that ran out of space, with the numbers as they are now."""
        usage = shutil.disk_usage(self._directory)
        free = (
            f"{byte_size(usage.free)} of {byte_size(usage.total)} free, and "
            f"{byte_size(self._min_free_bytes)} must stay free: make room on it"
        )
        if usage.free >= self._min_free_bytes:
            free = lacking_inodes(self._directory) or free
        return DiskFull(
            f"the worker's scratch disk (PRUNESERVE_WORK_DIR){reported} has {free}, and retry the job if it "
            "has failed"
        )

    def _is_cache_error(self, error: BaseException, cache: Path) -> bool:
        """Whether a write to the Hub's cache has failed; without a path, whether it has less room."""
        path = error.filename if isinstance(error, OSError) else None
        if path is not None:
            return is_below(path, cache) and not self.holds(path)
        try:
            elsewhere = cache.stat().st_dev != self._directory.stat().st_dev
            return elsewhere and shutil.disk_usage(cache).free < shutil.disk_usage(self._directory).free
        except OSError:  # one of them is missing or not readable
            return False


def is_below(path: str | bytes | int | None, directory: Path) -> bool:
    """Whether a path, as an error of the system has it, is in a directory."""
    return isinstance(path, str) and Path(path).absolute().is_relative_to(directory.absolute())


def first_of(error: BaseException, numbers: Collection[int]) -> tuple[int, BaseException] | None:
    """Return the first of these errors of the system in what an error is or was caused by, and its cause."""
    for cause in causes(error):
        if isinstance(cause, OSError) and cause.errno is not None:
            if cause.errno in numbers:
                return cause.errno, cause
            continue  # its text may have the name of a file that says anything
        for found in _OS_ERROR.findall(str(cause)):
            if int(found) in numbers:
                return int(found), cause
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, what caused it, what caused that, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def held_bytes() -> int:
    """Return the memory allocated on the CUDA device with most, if one is in use; else what is resident."""
    allocated = max(map(torch.cuda.memory_allocated, range(torch.cuda.device_count())), default=0)
    return allocated or int(psutil.Process().memory_info().rss)


def other_processes_hold_most_memory() -> bool:
    """Whether processes other than this one hold more than half of the machine's memory."""
    machine = psutil.virtual_memory()
    others = machine.total - machine.available - psutil.Process().memory_info().rss
    return bool(others > machine.total / 2)
