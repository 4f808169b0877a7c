"""How many requests a key may send: a token bucket per key, in the memory of this process.

In memory, because the limit guards this process: a bucket in PostgreSQL would make a write of every read, and
the API must work while the broker is away. Behind several API processes a key is granted the sum of them.
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
    """What a key has left after a request."""

    granted: bool
    limit: int
    tokens: float

    @property
    def retry_after(self) -> int:
        """Whole seconds until the next request is granted."""
        return max(1, math.ceil((1 - self.tokens) * _WINDOW_SECONDS / self.limit))

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them: what is left, and in how long all is back."""
        full_in = math.ceil((self.limit - self.tokens) * _WINDOW_SECONDS / self.limit)
        return {
            "RateLimit-Policy": f'"requests";q={self.limit};w={_WINDOW_SECONDS:.0f}',
            "RateLimit": f'"requests";r={int(self.tokens)};t={full_in}',
        }


class RateLimiter:
    """A bucket per key: it holds a minute's requests and fills up evenly."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Grant `per_minute` requests to each key."""
        self._limit = per_minute
        self._clock = clock
        self._lock = Lock()
        # The least recently used first. A bucket that nobody asks for a minute is full, and forgotten.
        self._buckets: OrderedDict[UUID, tuple[float, float]] = OrderedDict()

    def take(self, key_id: UUID) -> Allowance:
        """Take a token if there is one."""
        with self._lock:
            now = self._clock()
            self._forget_full(now)
            tokens, at = self._buckets.pop(key_id, (float(self._limit), now))
            tokens = min(self._limit, tokens + (now - at) * self._limit / _WINDOW_SECONDS)
            granted = tokens >= 1
            tokens -= granted
            self._buckets[key_id] = (tokens, now)
        return Allowance(granted, self._limit, tokens)

    def _forget_full(self, now: float) -> None:
        while self._buckets:
            key_id, (_, at) = next(iter(self._buckets.items()))
            if now - at < _WINDOW_SECONDS:
                return
            del self._buckets[key_id]


def charge(request: Request, limiter: RateLimiter, key_id: UUID) -> None:
    """Count a request. Raises `RateLimited`; either way the answer will say what is left."""
    allowance = limiter.take(key_id)
    setattr(request.state, _STATE, allowance)
    if not allowance.granted:
        raise RateLimited(allowance.retry_after)


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers for the answer to a request; none where it was not counted."""
    allowance: Allowance | None = scope["state"].get(_STATE)
    return allowance.headers if allowance else {}
