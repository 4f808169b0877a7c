"""Dedicated threads for slow work, so that it cannot take those that serve every other request.

A pool has a few threads and a short queue. What does not fit is refused at once with 503 and `Retry-After`:
to wait longer would only hold connections. One owner gets a part of a pool, the rest stays free for others.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import TypeVar

from api.problems.catalogue import ServiceUnavailable

T = TypeVar("T")


class BoundedPool:
    """Runs functions in dedicated threads, a limited number at a time."""

    def __init__(self, name: str, *, threads: int, capacity: int, per_owner: int, refusal: str) -> None:
        """At most `capacity` calls run or wait, `per_owner` of one owner. `refusal`: the 503's detail."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._capacity = capacity
        self._per_owner = per_owner
        self._refusal = refusal
        self._active: Counter[str] = Counter()
        self._lock = Lock()

    async def run(self, owner: str, function: Callable[[], T]) -> T:
        """Return what `function` returns. Raises what it raises, and ServiceUnavailable without a place."""
        return await asyncio.wrap_future(self.start(owner, function))

    def start(self, owner: str, function: Callable[[], T]) -> Future[T]:
        """Return what `function` will return. Raises ServiceUnavailable without a place."""
        with self._lock:
            if self._active.total() >= self._capacity or self._active[owner] >= self._per_owner:
                raise ServiceUnavailable(self._refusal)
            self._active[owner] += 1
        future = self._executor.submit(function)
        # When the thread is done, not when the request is: one whose client has gone still has its place.
        future.add_done_callback(lambda _: self._release(owner))
        return future

    def close(self) -> None:
        """Take no more calls, and drop those that wait. Those that run end before the process does."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _release(self, owner: str) -> None:
        with self._lock:
            self._active[owner] -= 1
            if not self._active[owner]:
                del self._active[owner]


class RenderCache:
    """Caches bytes that take time to compute: once each, in a pool. The least recently used are dropped.

    Concurrent requests for the same key wait for one computation, without a place in the pool.
    """

    def __init__(self, pool: BoundedPool, *, max_bytes: int) -> None:
        """Keep at most `max_bytes`, the most recently used first."""
        self._pool = pool
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._pending: dict[Hashable, asyncio.Task[bytes]] = {}

    async def get(self, key: Hashable, owner: str, make: Callable[[], bytes]) -> bytes:
        """Return what `make` returned for this key. Raises what that and `BoundedPool.run` raise."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._pending.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, owner, make))
            self._pending[key] = task
            task.add_done_callback(partial(self._finished, key))
        return await asyncio.shield(task)

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()

    def _finished(self, key: Hashable, task: asyncio.Task[bytes]) -> None:
        del self._pending[key]
        if not task.cancelled():
            task.exception()  # otherwise asyncio logs it where every client has gone

    async def _make(self, key: Hashable, owner: str, make: Callable[[], bytes]) -> bytes:
        content = await self._pool.run(owner, make)
        self._kept[key] = content
        self._size += len(content)
        while self._size > self._max_bytes:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest)
        return content
