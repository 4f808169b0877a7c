"""What has ended a child process, as far as its parent can tell."""

import re
from pathlib import Path

from jobs.states import Loss

_KILLED = re.compile(r"signal (\d+)(?: \((\w+)\))?")
_CGROUPS = Path("/sys/fs/cgroup")
_SIGKILL = 9


class MemoryKills:
    """Whether the system has killed a process because memory ran out, since the last time that one asked."""

    def __init__(self) -> None:
        """Begin to count."""
        self._seen = _kills_so_far()

    def any_new(self) -> bool:
        """Whether there was one."""
        before, self._seen = self._seen, _kills_so_far()
        return self._seen > before


def of_child(death: str, *, memory_ran_out: bool) -> tuple[Loss, str]:
    """The kind of a child's death and its reason in words. `death` is Celery's account of it."""
    killed = _KILLED.search(death)
    if killed is None:
        return Loss.LOST_WORKER, f"the worker's process died: {death}"
    number, name = int(killed[1]), killed[2] or "unknown"
    if number == _SIGKILL and memory_ran_out:
        return Loss.OUT_OF_MEMORY, (
            "the machine's memory ran out and the system killed the worker's process (SIGKILL); use a "
            "shorter sequence_length, the dtype bfloat16, or a larger machine"
        )
    return Loss.KILLED, f"the worker's process was killed by signal {number} ({name})"


def _kills_so_far() -> int:
    """Of this control group where the kernel counts them, else of the whole machine."""
    for counters in (_own_cgroup() / "memory.events", _CGROUPS / "memory.events", Path("/proc/vmstat")):
        try:
            found = re.search(r"^oom_kill (\d+)$", counters.read_text(), re.MULTILINE)
        except OSError:
            continue
        if found:
            return int(found[1])
    return 0


def _own_cgroup() -> Path:
    try:
        found = re.search(r"^0::/(.*)$", Path("/proc/self/cgroup").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return _CGROUPS / found[1] if found else _CGROUPS
