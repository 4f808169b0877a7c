"""Limits the requests of each owner, and the failed sign-ins from each address: token buckets in memory.

In memory, because the limits protect this process: a bucket in PostgreSQL would turn every read into a write.
With several API processes, an owner gets the sum of their limits. By owner and not by key, because a key can
make keys.
"""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock

from fastapi import Request
from starlette.types import Scope

from api.problems.problems import RateLimited

_WINDOW_SECONDS = 60.0
_STATE = "rate_limit"
_LEAVE = "leave_open_requests"
_MAX_BUCKETS = 100_000
MAX_OPEN_REQUESTS = 100
"""Requests of one owner that may be open at once, event streams and downloads included."""
_IPV6_PREFIX = 64  # the smallest network that one host is given


@dataclass(frozen=True, slots=True)
class Allowance:
    """A rate limit after a request: whether that was granted, and what is left."""

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
    """One token bucket per owner or address. A bucket holds a minute's requests and refills evenly."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Grant `per_minute` requests to each. `clock` returns seconds."""
        self._limit = per_minute
        self._clock = clock
        self._lock = Lock()
        # Least recently used first. A bucket is full after a minute without requests, so it can be dropped.
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> Allowance:
        """Take a token from a bucket, if it has one."""
        with self._lock:
            now = self._clock()
            self._drop_full(now)
            tokens = self._tokens(who, now)
            granted = tokens >= 1
            tokens -= granted
            self._buckets.pop(who, None)
            self._buckets[who] = (tokens, now)
        return Allowance(granted, self._limit, tokens)

    def look(self, who: str) -> Allowance:
        """Return whether the next token would be granted, and take none."""
        with self._lock:
            tokens = self._tokens(who, self._clock())
        return Allowance(tokens >= 1, self._limit, tokens)

    def _tokens(self, who: str, now: float) -> float:
        tokens, at = self._buckets.get(who, (float(self._limit), now))
        return min(self._limit, tokens + (now - at) * self._limit / _WINDOW_SECONDS)

    def _drop_full(self, now: float) -> None:
        while self._buckets:
            who, (_, at) = next(iter(self._buckets.items()))
            if now - at < _WINDOW_SECONDS and len(self._buckets) < _MAX_BUCKETS:
                return
            del self._buckets[who]


class OpenRequests:
    """Counts the requests of each owner that have not ended yet."""

    def __init__(self, limit: int) -> None:
        """Allow `limit` of each owner."""
        self._limit = limit
        self._lock = Lock()
        self._open: Counter[str] = Counter()

    def enter(self, owner: str) -> bool:
        """Count a request, and return whether it may go on. If so, `leave` when it has ended."""
        with self._lock:
            granted = self._open[owner] < self._limit
            self._open[owner] += granted
        return granted

    def leave(self, owner: str) -> None:
        """Take a request off the count."""
        with self._lock:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]


def occupy(request: Request, open_requests: OpenRequests, owner: str) -> None:
    """Count a request as open until `release`. Raises RateLimited if the owner has too many."""
    if hasattr(request.state, _LEAVE):
        return  # two dependencies of one route may each authenticate the request
    if not open_requests.enter(owner):
        raise RateLimited(1, "You have too many open requests and event streams. Close some.")
    setattr(request.state, _LEAVE, partial(open_requests.leave, owner))


def release(scope: Scope) -> None:
    """Take a request that has ended off the count, if it was counted."""
    leave: Callable[[], None] | None = scope["state"].get(_LEAVE)
    if leave is not None:
        leave()


def charge(request: Request, limiter: RateLimiter, owner: str) -> None:
    """Count a request, and remember the allowance for the headers of its answer. Raises RateLimited."""
    allowance = limiter.take(owner)
    setattr(request.state, _STATE, allowance)
    if not allowance.granted:
        raise RateLimited(allowance.retry_after)


def charge_failure(request: Request, limiter: RateLimiter) -> None:
    """Count a failed sign-in. Raises RateLimited if there were too many from the client's address."""
    _require(limiter.take(network_of_client(request)))


def require_few_failures(request: Request, limiter: RateLimiter) -> None:
    """Raise RateLimited if there were too many failed sign-ins from the client's address, and count none.

    It is for a sign-in that costs others something, as one does that the identity provider is asked about.
    """
    _require(limiter.look(network_of_client(request)))


def _require(allowance: Allowance) -> None:
    if not allowance.granted:
        raise RateLimited(
            allowance.retry_after,
            "Too many failed sign-ins from your address. Check the API key that you send.",
        )


def network_of_client(request: Request) -> str:
    """Return the network of the client, as a trusted proxy or the connection says its address."""
    return network_of(request.client.host if request.client else "")


def network_of(address: str) -> str:
    """Return an IPv4 address as it is, and of an IPv6 address the network that a single host may own."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ip_network((found, _IPV6_PREFIX), strict=False))


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the rate-limit headers of the answer to a request; none if it was not counted."""
    allowance: Allowance | None = scope["state"].get(_STATE)
    return allowance.headers if allowance else {}
