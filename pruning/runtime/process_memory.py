"""The host memory of this process: its limit, its peak, and how glibc's heap keeps what is freed.

A process that takes more than its cgroup's limit is killed, however much memory the machine has free.

By default glibc returns a large block to the system when it is freed, and the kernel clears and maps every
page of the next one. A pass through a model allocates and frees gigabytes of activations and logits per
window, and would spend a tenth of its time on that.

This module imports torch only where it is needed.
"""

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

_ROOT = Path("/")
_PROC = Path("/proc")
_HELD = frozenset({"RssAnon", "RssShmem", "VmSwap"})  # fields of /proc/<process>/status, in kB

# cgroup v1 has about the largest multiple of a page in 64 bits where no limit is set.
_UNLIMITED = 1 << 60


def host_memory(root: Path = _ROOT) -> int:
    """Return the machine's memory, or the lowest limit of this process's cgroups, in bytes.

    `root`: the directory that contains `proc` and `sys`.
    """
    return min([int(psutil.virtual_memory().total), *_limits(root)])


def free_memory(limit: int | None = None) -> int:
    """Return the bytes that this process and its descendants may still take, page cache included.

    `limit`: what they may hold together, if that is less than the machine has.
    """
    most = host_memory() if limit is None else min(limit, host_memory())
    return max(0, min(int(psutil.virtual_memory().available), most - held_memory(os.getpid())))


def held_memory(process: int) -> int:
    """Return the bytes that a process and its descendants hold: 0 for one that is gone.

    Files that are mapped into memory (a checkpoint's weights) do not count: the kernel drops their pages when
    it needs room. Neither does address space: CUDA reserves far more of it than it uses, which is why no
    limit of the process (RLIMIT_AS) can serve.
    """
    return sum(map(_held_by, _with_descendants(process)))


def _held_by(process: int) -> int:
    fields = (line.partition(":") for line in _lines(_PROC / str(process) / "status"))
    return 1024 * sum(int(value.split()[0]) for name, _, value in fields if name in _HELD)


def _with_descendants(process: int) -> Iterator[int]:
    yield process
    try:
        threads = [*(_PROC / str(process) / "task").iterdir()]
    except OSError:  # the process has just ended, or the system has no descriptor left
        return
    for thread in threads:
        for line in _lines(thread / "children"):
            for child in line.split():
                yield from _with_descendants(int(child))


def _limits(root: Path) -> Iterator[int]:
    """Yield the memory limits of this process's cgroups and of the groups around them."""
    for group in _lines(root / "proc/self/cgroup"):
        _, controllers, path = group.split(":", 2)
        if controllers == "":
            yield from _limits_above(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_above(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def _limits_above(mount: Path, path: str, name: str) -> Iterator[int]:
    """Yield the limits of a cgroup and of those that contain it.

    In a container, the path may be the host's while the mount shows the container's part only: then the limit
    is that of the mount's own directory, which is read in any case.
    """
    inside = PurePosixPath(path.lstrip("/"))
    for group in (inside, *inside.parents):
        for line in _lines(mount / group / name):
            if line.isdecimal() and int(line) < _UNLIMITED:  # cgroup v2 writes 'max' for no limit
                yield int(line)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:  # no such cgroup, no cgroups at all, or a process that has just ended
        return []


# Parameters of glibc's mallopt(3).
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

_MAX_RETAINED_BYTES = 1 << 30  # larger blocks would fragment the heap
_NEVER = -1

# The values up to which glibc raises both by itself, as long as neither is set.
_DEFAULT_MMAP_THRESHOLD = 32 << 20
_DEFAULT_TRIM_THRESHOLD = 2 * _DEFAULT_MMAP_THRESHOLD


@contextmanager
def retain_freed_heap(largest: int = _MAX_RETAINED_BYTES) -> Iterator[None]:
    """While active, retain freed blocks of up to `largest` bytes; on exit, return them to the system.

    glibc returns the end of its heap, and whole free pages. With another C library this does
    nothing. Do not nest it.
    """
    library = ctypes.CDLL(None)
    if not (hasattr(library, "mallopt") and hasattr(library, "malloc_trim")):
        yield
        return
    _set_thresholds(library, largest, _NEVER)
    try:
        yield
    finally:
        _set_thresholds(library, _DEFAULT_MMAP_THRESHOLD, _DEFAULT_TRIM_THRESHOLD)
        library.malloc_trim(0)


def trim_heap() -> None:
    """Return freed heap memory to the system, such as that of a copy of a model."""
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


def _set_thresholds(library: ctypes.CDLL, mmap: int, trim: int) -> None:
    library.mallopt(_MMAP_THRESHOLD, mmap)
    library.mallopt(_TRIM_THRESHOLD, trim)


_CLEAR_REFS = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")

_clear_refs_descriptors: dict[int, int] = {}
"""By process id: a fork that wrote into its parent's descriptor would reset the parent."""


def keep_peak_memory_resettable() -> None:
    """Keep the file open by which this process resets its peak, before it loses the right to open it."""
    with suppress(OSError):
        _clear_refs_descriptors[os.getpid()] = os.open(_CLEAR_REFS, os.O_WRONLY | os.O_CLOEXEC)


class PeakMemory:
    """The peak memory since `reset`: allocated on the CUDA device, or resident in this process.

    Of several devices it is the highest peak. Where the kernel cannot reset a process's peak, `resettable`
    turns False and the peak is that since its start.
    """

    def __init__(self, *devices: "torch.device") -> None:
        self._devices = devices
        self.resettable = True

    def reset(self) -> None:
        """Start a new measurement."""
        if self._is_on_cuda:
            import torch

            # Before the first use of CUDA its allocator has no statistics, and refuses to reset them.
            if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
                for device in self._devices:
                    torch.cuda.reset_peak_memory_stats(device)
            return
        try:
            _reset_resident()
        except OSError:
            self.resettable = False

    def peak(self) -> int:
        """Return the peak in bytes."""
        if self._is_on_cuda:
            import torch

            return max(map(torch.cuda.max_memory_allocated, self._devices))
        if self.resettable:
            for line in _STATUS.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

    @property
    def _is_on_cuda(self) -> bool:
        return self._devices[0].type == "cuda"


def _reset_resident() -> None:
    """Reset the peak resident set size to the current one, see proc(5). Raises OSError."""
    descriptor = _clear_refs_descriptors.get(os.getpid())
    if descriptor is None:
        _CLEAR_REFS.write_text("5")
    else:
        os.write(descriptor, b"5")
