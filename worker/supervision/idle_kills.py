"""Children that are killed for their memory while they run no job: the limit is too low for any job.

One such child may be blamed for what its last job left in memory. A second one in a row says that a child
holds more than the limit allows before it has a job.
"""

from dataclasses import dataclass

from pruning.byte_size import byte_size

_ENOUGH = 2
_LEAST_SECONDS = 60.0  # a child takes several seconds to import what it needs, until it is killed again


@dataclass
class IdleKills:
    """Counts them. `stands_for` is how many seconds after the last one the worker is taken for unfit.

    A time is any clock's, in seconds.
    """

    allowed_bytes: int
    stands_for: float
    _in_a_row: int = 0
    _last_bytes: int = 0
    _last_at: float = 0.0

    def killed(self, held_bytes: int, now: float) -> None:
        """A child that ran no job was killed."""
        self._in_a_row, self._last_bytes, self._last_at = self._in_a_row + 1, held_bytes, now

    def job_seen(self) -> None:
        """A child runs a job: it got that far within the limit."""
        self._in_a_row = 0

    def fault(self, now: float) -> str | None:
        """Return why this worker can run no job, or None."""
        if self._in_a_row < _ENOUGH or now - self._last_at > max(self.stands_for, _LEAST_SECONDS):
            return None
        return (
            f"its process held {byte_size(self._last_bytes)} of memory before it ran a job, and "
            f"{byte_size(self.allowed_bytes)} are allowed; set PRUNESERVE_JOB_MEMORY_BYTES higher"
        )
