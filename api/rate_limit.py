"""Limits the requests of each key: a token bucket per key, in the memory of this process.

In memory, because the limit protects this process: a bucket in PostgreSQL would turn every read into a write.
With several API processes, a key gets the sum of their limits.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from uuid import UUID

from fastapi import Request
from starlette.types import Scope

from api.problems.problems import RateLimited

_WINDOW_SECONDS = 60.0
_STATE = "rate_limit"


@dataclass(frozen=True, slots=True)
class Allowance:
    """The rate limit of a key after a request: whether that was granted, and what is left."""

    granted: bool
    limit: int
    tokens: float

    @property
    def retry_after(self) -> int:
        """Whole seconds until the next request is granted."""
        return max(1, math.ceil((1 - self.tokens) * _WINDOW_SECONDS / self.limit))

    @property
    def headers(self) -> dict[str, str]:
        """Requests left and seconds until all are back, as in draft-ietf-httpapi-ratelimit-headers."""
        full_in = math.ceil((self.limit - self.tokens) * _WINDOW_SECONDS / self.limit)
        return {
            "RateLimit-Policy": f'"requests";q={self.limit};w={_WINDOW_SECONDS:.0f}',
            "RateLimit": f'"requests";r={int(self.tokens)};t={full_in}',
        }


class RateLimiter:
    """One token bucket per key. A bucket holds a minute's requests and refills evenly."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Grant `per_minute` requests to each key. `clock` returns seconds."""
        self._limit = per_minute
        self._clock = clock
        self._lock = Lock()
        # Least recently used first. A bucket is full after a minute without requests, so it can be dropped.
        self._buckets: OrderedDict[UUID, tuple[float, float]] = OrderedDict()

    def take(self, key_id: UUID) -> Allowance:
        """Take a token from the key's bucket, if it has one."""
        with self._lock:
            now = self._clock()
            self._drop_full(now)
            tokens, at = self._buckets.pop(key_id, (float(self._limit), now))
            tokens = min(self._limit, tokens + (now - at) * self._limit / _WINDOW_SECONDS)
            granted = tokens >= 1
            tokens -= granted
            self._buckets[key_id] = (tokens, now)
        return Allowance(granted, self._limit, tokens)

    def _drop_full(self, now: float) -> None:
        while self._buckets:
            key_id, (_, at) = next(iter(self._buckets.items()))
            if now - at < _WINDOW_SECONDS:
                return
            del self._buckets[key_id]


def charge(request: Request, limiter: RateLimiter, key_id: UUID) -> None:
    """Count a request, and remember the allowance for the headers of its answer. Raises RateLimited."""
    allowance = limiter.take(key_id)
    setattr(request.state, _STATE, allowance)
    if not allowance.granted:
        raise RateLimited(allowance.retry_after)


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the rate-limit headers of the answer to a request; none if it was not counted."""
    allowance: Allowance | None = scope["state"].get(_STATE)
    return allowance.headers if allowance else {}
