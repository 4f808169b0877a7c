"""Which failed sign-ins get a record of their own in the audit log, so that no client can fill its table.

Records are never deleted, and any client can fail to sign in. So the first failures of an address in an hour
are recorded, and then each that doubles their number; the same holds for all addresses together, of which a
network can have any number. Every record beyond the first ones says how many there were.

A client that fills the table with failures must not hide those of others: the first failure of an address is
stored beyond the overall limit, for `MAX_FIRST_FAILURES` addresses, and a failure that is no longer stored is
still a line of the log. The counts are kept in memory, by each API process, as the rate limits are.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from api.rate_limit import network_of

_HOUR_SECONDS = 3600
_MOST_ADDRESSES = 100_000

UNSAMPLED_PER_ADDRESS = 10
"""Failures of one address in an hour that are all recorded."""
UNSAMPLED_TOTAL = 1000
"""Records of all addresses in an hour that are all stored."""
MAX_FIRST_FAILURES = 5000
"""Addresses in an hour whose first failure is stored whatever the others did."""


@dataclass(frozen=True, slots=True)
class Note:
    """How a failure that is recorded is written."""

    more: str
    """Text that its record has in addition to what failed."""
    stored: bool
    """Whether it gets a record in the table, and not only a line of the log."""


class FailureLog:
    """Counts the failures of this hour."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self._clock = clock
        self._lock = Lock()
        self._hour = -1
        self._of: Counter[str] = Counter()
        self._in_all = 0

    def note(self, address: str) -> Note | None:
        """Count a failure. Return how it is recorded, or None if it is not."""
        with self._lock:
            self._begin_hour()
            network = network_of(address)
            counted = network in self._of or len(self._of) < _MOST_ADDRESSES
            count = self._count(network) if counted else 1
            if not _is_sampled(count, UNSAMPLED_PER_ADDRESS):
                return None
            self._in_all += 1
            first = counted and count == 1 and len(self._of) <= MAX_FIRST_FAILURES
            stored = first or _is_sampled(self._in_all, UNSAMPLED_TOTAL)
            return Note(_more(count, self._in_all), stored)

    def _count(self, network: str) -> int:
        self._of[network] += 1
        return self._of[network]

    def _begin_hour(self) -> None:
        hour = int(self._clock() // _HOUR_SECONDS)
        if hour != self._hour:
            self._hour, self._in_all = hour, 0
            self._of.clear()


def _more(count: int, in_all: int) -> str:
    if in_all > UNSAMPLED_TOTAL:
        return f" (of this hour's records only some are kept; this would be number {in_all})"
    return f" (failure {count} of this address in this hour)" if count > UNSAMPLED_PER_ADDRESS else ""


def _is_sampled(count: int, each: int) -> bool:
    """Whether a count is one of the first `each`, or that number doubled some times."""
    times, rest = divmod(count, each)
    return count <= each or (rest == 0 and times & (times - 1) == 0)
