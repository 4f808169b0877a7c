"""What killed a child process, as far as its parent can determine."""

import re
from pathlib import Path

from jobs.states import LostAttempt

_KILLED_BY = re.compile(r"signal (\d+)(?: \((\w+)\))?")
_CGROUPS = Path("/sys/fs/cgroup")
_SIGKILL = 9


class OomKills:
    """Detects whether the kernel's OOM killer has struck since the last call."""

    def __init__(self) -> None:
        self._seen = _kill_count()

    def any_new(self) -> bool:
        """Whether there was a kill since the last call, or since this object was made."""
        before, self._seen = self._seen, _kill_count()
        return self._seen > before


def death_cause(report: str, *, out_of_memory: bool) -> tuple[LostAttempt, str]:
    """Return why a child died, and the reason in words.

    `report` is Celery's report of the death; `out_of_memory` says that the OOM killer has struck meanwhile.
    """
    killed = _KILLED_BY.search(report)
    if killed is None:
        return LostAttempt.LOST_WORKER, f"the worker's process died: {report}"
    number, name = int(killed[1]), killed[2] or "unknown"
    if number == _SIGKILL and out_of_memory:
        return LostAttempt.OUT_OF_MEMORY, (
            "the machine's memory ran out and the system killed the worker's process (SIGKILL); use a "
            "shorter sequence_length, the dtype bfloat16, or a larger machine"
        )
    return LostAttempt.KILLED, f"the worker's process was killed by signal {number} ({name})"


def _kill_count() -> int:
    """Return the OOM kills in this control group where the kernel counts them, else on the whole machine."""
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
