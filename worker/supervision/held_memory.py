"""The memory that a job's processes hold, as the kernel counts it.

Files that are mapped into memory (a checkpoint's weights) do not count: the kernel drops their pages when it
needs room. Neither does address space: CUDA reserves far more of it than it uses, which is why no limit of
the process (RLIMIT_AS) can serve.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_COUNTED = re.compile(r"^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HeldMemory:
    """What a job's processes hold, and what they may, in bytes."""

    held: int
    allowed: int


def held_memory(process: int) -> int:
    """Return the bytes that a process and its descendants hold: 0 for one that is gone."""
    return sum(_own(number) for number in _with_descendants(process))


def _own(process: int) -> int:
    return 1024 * sum(int(count) for count in _COUNTED.findall(_read(_PROC / str(process) / "status")))


def _with_descendants(process: int) -> Iterator[int]:
    yield process
    for thread in (_PROC / str(process) / "task").glob("*"):
        for child in _read(thread / "children").split():
            yield from _with_descendants(int(child))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # the process has just ended
        return ""
