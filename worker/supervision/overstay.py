"""How long a child has been in a job that its worker no longer holds.

A lost lease stops the child between two steps. One that is blocked in a system call, with the interpreter's
lock perhaps, never comes to the next step, and its heartbeat stops with it. The job then goes to another
worker, and no row of the database names the blocked child any more: only its parent remembers.
"""

from collections.abc import Collection
from uuid import UUID


class Overstay:
    """Remembers the last job that was seen held, and since when it is not."""

    def __init__(self) -> None:
        self._job: UUID | None = None
        self._since: float | None = None

    @property
    def job(self) -> UUID | None:
        """The job that was held last, until its child has left it."""
        return self._job

    def ended(self) -> None:
        """Forget the job: its child was killed, which Celery may notice only seconds later."""
        self._job = self._since = None

    def seconds(self, held: UUID | None, running: Collection[UUID], now: float) -> float:
        """Return for how long a child has been in a job that is not held, 0 if none is.

        `held` is the job that the database says this worker holds, read before `running`: the jobs from which
        the children have not returned. `now` is a monotonic time in seconds.
        """
        if held is not None:
            self._job, self._since = held, None
        elif self._job not in running:
            self._job = self._since = None
        elif self._since is None:
            self._since = now
        return 0.0 if self._since is None else now - self._since
