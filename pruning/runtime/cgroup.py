"""The memory that this process may use: the machine's, or less in a container, whose cgroup is limited.

A process that takes more than its cgroup's limit is killed, however much memory the machine has free.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import psutil

_ROOT = Path("/")

# What cgroup v1 says where no limit is set: the largest multiple of a page in 64 bits, or nearly so.
_UNLIMITED = 1 << 60


def host_memory(root: Path = _ROOT) -> int:
    """Return the machine's memory, or the lowest limit of this process's cgroups, in bytes.

    `root`: the directory below which `proc` and `sys` lie.
    """
    return min([int(psutil.virtual_memory().total), *_limits(root)])


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
    except OSError:  # no such cgroup, or no cgroups at all
        return []
