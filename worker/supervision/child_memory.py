"""What the memory of child processes comes to: a limit, and whether a child died of it."""

import re
from dataclasses import dataclass
from pathlib import Path

from jobs.states import LostAttempt
from pruning.byte_size import byte_size

_MAX_IN_A_ROW = 2
_MIN_SECONDS = 60.0  # a child takes several seconds to import what it needs, until it is killed again
_KILLED_BY = re.compile(r"signal (\d+)(?: \((\w+)\))?")
_CGROUPS = Path("/sys/fs/cgroup")
_SIGKILL = 9


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What a job's processes hold, and what they may, in bytes."""

    held: int
    allowed: int


@dataclass
class IdleKills:
    """Counts kills of children without a job: a second one in a row makes the worker unfit.

    `fault_seconds`: for how long after the last one. A time is any clock's, in seconds.
    """

    allowed_bytes: int
    fault_seconds: float
    _in_a_row: int = 0
    _last_bytes: int = 0
    _last_at: float = 0.0

    def record_kill(self, held_bytes: int, now: float) -> None:
        """A child that ran no job was killed."""
        self._in_a_row, self._last_bytes, self._last_at = self._in_a_row + 1, held_bytes, now

    def record_job(self) -> None:
        """A child runs a job: it got that far within the limit."""
        self._in_a_row = 0

    def fault(self, now: float) -> str | None:
        """Return why this worker can run no job, or None."""
        if self._in_a_row < _MAX_IN_A_ROW or now - self._last_at > max(self.fault_seconds, _MIN_SECONDS):
            return None
        return (
            f"its process held {byte_size(self._last_bytes)} of memory before it ran a job, and "
            f"{byte_size(self.allowed_bytes)} are allowed; set PRUNESERVE_JOB_MEMORY_BYTES higher"
        )


class OomKills:
    """Detects whether the kernel's OOM killer has struck since the last call."""

    def __init__(self) -> None:
        self._seen = _kill_count()

    def any_new(self) -> bool:
        """Whether there was a kill since the last call, or since this object was made."""
        before, self._seen = self._seen, _kill_count()
        return self._seen > before


def death_cause(report: str, *, out_of_memory: bool) -> tuple[LostAttempt, str]:
    """Return why a child died, and the message for its job.

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
