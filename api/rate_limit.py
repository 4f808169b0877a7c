"""Limits per owner and per address, counted in memory: requests, failed sign-ins, audit records of these.

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

from api.problems.catalogue import RateLimited

_WINDOW_SECONDS = 60.0
_STATE = "rate_limit"
_LEAVE = "leave_open_requests"
_MAX_BUCKETS = 100_000
MAX_OPEN_REQUESTS = 100
"""Requests of one owner that may be open at once, event streams and downloads included."""
MAX_OPEN_UPLOADS, MAX_OPEN_UPLOADS_OF_OWNER = 16, 4
"""Each keeps a few parts of 16 MiB in memory."""
MAX_SWEEP_WRITES, MAX_SWEEP_WRITES_OF_OWNER = 8, 2
"""Each keeps a connection to the database, of which a process has ten, for up to half a second."""
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

    def peek(self, who: str) -> Allowance:
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

    def __init__(self, per_owner: int, total: float = math.inf) -> None:
        """Allow `per_owner` of each owner, and `total` of all together."""
        self._per_owner = per_owner
        self._total = total
        self._lock = Lock()
        self._open: Counter[str] = Counter()

    def enter(self, owner: str) -> bool:
        """Count a request, and return whether it may go on. If so, `leave` when it has ended."""
        with self._lock:
            if self._open[owner] >= self._per_owner or self._open.total() >= self._total:
                return False
            self._open[owner] += 1
        return True

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
    """Count a request, and remember the allowance for the headers of its response. Raises RateLimited."""
    allowance = limiter.take(owner)
    setattr(request.state, _STATE, allowance)
    if not allowance.granted:
        raise RateLimited(allowance.retry_after)


def charge_failure(request: Request, limiter: RateLimiter) -> None:
    """Count a failed sign-in. Raises RateLimited if there were too many from the client's address."""
    _require(limiter.take(network_of_client(request)))


def require_no_lockout(request: Request, limiter: RateLimiter) -> None:
    """Raise RateLimited if there were too many failed sign-ins from the client's address, and count none.

    It is for a sign-in that costs others something, such as a request to the identity provider.
    """
    _require(limiter.peek(network_of_client(request)))


def _require(allowance: Allowance) -> None:
    if not allowance.granted:
        raise RateLimited(
            allowance.retry_after,
            "Too many failed sign-ins from your address. Check the API key that you send.",
        )


def network_of_client(request: Request) -> str:
    """Return the network of the client's address, which a trusted proxy or the connection gives."""
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
    """Return the rate-limit headers of a response; none if it was not counted."""
    allowance: Allowance | None = scope["state"].get(_STATE)
    return allowance.headers if allowance else {}


_HOUR_SECONDS = 3600
_MAX_ADDRESSES = 100_000

UNSAMPLED_PER_ADDRESS = 10
"""Failures of one address in an hour that are all recorded."""
UNSAMPLED_TOTAL = 1000
"""Records of all addresses in an hour that are all stored."""
MAX_FIRST_FAILURES = 5000
"""Addresses in an hour whose first failure is always stored."""


@dataclass(frozen=True, slots=True)
class FailureRecord:
    """How a failure is recorded."""

    suffix: str
    """Text after the description of the failure."""
    stored: bool
    """Whether it gets a record in the table, and not only a line of the log."""


class FailureSampler:
    """Counts the failures of this hour."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self._clock = clock
        self._lock = Lock()
        self._hour = -1
        self._counts: Counter[str] = Counter()
        self._total = 0

    def count(self, address: str) -> FailureRecord | None:
        """Count a failure. Return how it is recorded, or None if it is not."""
        with self._lock:
            self._begin_hour()
            network = network_of(address)
            counted = network in self._counts or len(self._counts) < _MAX_ADDRESSES
            if counted:
                self._counts[network] += 1
            count = self._counts[network] if counted else 1
            if not _is_sampled(count, UNSAMPLED_PER_ADDRESS):
                return None
            self._total += 1
            first = counted and count == 1 and len(self._counts) <= MAX_FIRST_FAILURES
            stored = first or _is_sampled(self._total, UNSAMPLED_TOTAL)
            return FailureRecord(_suffix(count, self._total), stored)

    def _begin_hour(self) -> None:
        hour = int(self._clock() // _HOUR_SECONDS)
        if hour != self._hour:
            self._hour, self._total = hour, 0
            self._counts.clear()


def _suffix(count: int, total: int) -> str:
    if total > UNSAMPLED_TOTAL:
        return f" (of this hour's records only some are kept; this would be number {total})"
    return f" (failure {count} of this address in this hour)" if count > UNSAMPLED_PER_ADDRESS else ""


def _is_sampled(count: int, each: int) -> bool:
    """Whether a count is one of the first `each`, or that number doubled some times."""
    times, rest = divmod(count, each)
    return count <= each or (rest == 0 and times & (times - 1) == 0)
