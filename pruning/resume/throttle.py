"""Decides when an activation checkpoint is worth its cost: it only spares work, so it may not cost much."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WORTH = 10
"""The work since the last checkpoint must have taken this many times what saving one takes."""

# Bytes per second at which the first one is assumed to be copied, written and hashed; others are measured.
_ASSUMED_RATE = 4e8


class SaveThrottle:
    """Lets checkpoints take at most a tenth of a stage's time.

    So what a killed stage repeats to reach its last durable block again is also bounded: it has taken ten
    times what saving takes, and the block in which the checkpoint became due.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: in seconds."""
        self._clock = clock
        self._work_began = clock()
        self._cost: float | None = None

    def is_due(self, size: int) -> bool:
        """Whether the work since the last checkpoint is worth saving one of `size` bytes."""
        cost = size / _ASSUMED_RATE if self._cost is None else self._cost
        return self._clock() - self._work_began >= _WORTH * cost

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Measure what saving costs."""
        began = self._clock()
        yield
        self._work_began = self._clock()
        self._cost = self._work_began - began
