"""Confines a helper before it reads an untrusted file, layer by layer.

Resource limits and seccomp are available on every Linux of the last ten years. A network namespace needs user
namespaces, or root; Landlock needs Linux 5.13. Layers that a kernel or a container does not allow are
reported as missing.
"""

import errno
import os
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pruning.sandbox.privileges import (
    close_to_others,
    deny_changes,
    drop_capabilities,
    restrict_reads,
    set_no_new_privileges,
    unshare_network,
)
from pruning.sandbox.system_calls import filter_system_calls

_GIB = 2**30
_MAX_OPEN_FILES = 256
_GRACE_SECONDS = 5


LAYERS = ("limits", "no new privileges", "network namespace", "capabilities", "landlock", "system calls")
"""In the order in which they are applied."""


@dataclass(frozen=True)
class SandboxLimits:
    """The resource limits of one helper."""

    memory_bytes: int = 16 * _GIB  # in addition to its memory at the start
    cpu_seconds: int = 1800
    wall_seconds: float = 3600.0  # for one answer
    file_bytes: int = 256 * 2**20  # for each file that it writes


def confine(
    limits: SandboxLimits,
    descriptors: Sequence[int] = (),
    private: Path | None = None,
    readable: Sequence[Path] = (),
) -> dict[str, str]:
    """Confine this process, which must have one thread, irrevocably.

    `descriptors`: the open files that it may read. `private`: a directory whose files it may replace.
    `readable`: files and directories that it may read by their paths. Returns the missing layers, each with
    the reason. Raises OSError(EMFILE) where too many files are open to apply one.
    """
    steps: Sequence[Callable[[], None]] = (
        partial(_limit, limits, descriptors),
        set_no_new_privileges,
        unshare_network,
        drop_capabilities,
        partial(restrict_reads, descriptors, private, readable),
        filter_system_calls,
    )
    missing = {}
    for name, apply in zip(LAYERS, steps, strict=True):
        try:
            apply()
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) == errno.EMFILE:  # not a limitation of the kernel
                raise
            missing[name] = getattr(error, "strerror", None) or type(error).__name__
    with suppress(OSError):  # last: some layers write to files of /proc
        close_to_others()
    return missing


def deny_writes() -> None:
    """Deny this confined process all writes to files, so that a compromised parser cannot fill the disk.

    Without Landlock it can still create files, which stay empty.
    """
    _lower(resource.RLIMIT_FSIZE, 0)
    with suppress(OSError):  # reported as a missing layer when this process was confined
        deny_changes()


def _limit(limits: SandboxLimits, descriptors: Sequence[int]) -> None:
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")  # the OOM killer chooses it before the run
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    _lower(resource.RLIMIT_NOFILE, max(descriptors, default=0) + _MAX_OPEN_FILES)
    _lower(resource.RLIMIT_AS, _address_space() + limits.memory_bytes)
    _lower(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + _GRACE_SECONDS)


def _lower(kind: int, soft: int, hard: int | None = None) -> None:
    _, allowed = resource.getrlimit(kind)
    hard = soft if hard is None else hard
    if allowed != resource.RLIM_INFINITY:
        soft, hard = min(soft, allowed), min(hard, allowed)
    resource.setrlimit(kind, (soft, hard))


def _address_space() -> int:
    """Return the bytes of address space that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
