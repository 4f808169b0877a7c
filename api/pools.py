"""Threads of their own for slow work, so that it cannot take those that answer every other request.

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

from api.problems.problems import ServiceUnavailable

T = TypeVar("T")


class BoundedPool:
    """Runs functions in threads of its own, a limited number at a time."""

    def __init__(self, name: str, *, threads: int, places: int, per_owner: int, busy: str) -> None:
        """At most `places` calls run or wait, `per_owner` of one owner. `busy` says what to do about more."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._places = places
        self._per_owner = per_owner
        self._busy = busy
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    async def run(self, owner: str, function: Callable[[], T]) -> T:
        """Return what `function` returns. Raises what it raises, and ServiceUnavailable without a place."""
        return await asyncio.wrap_future(self.start(owner, function))

    def start(self, owner: str, function: Callable[[], T]) -> Future[T]:
        """Return what `function` will return. Raises ServiceUnavailable without a place."""
        with self._lock:
            if self._taken.total() >= self._places or self._taken[owner] >= self._per_owner:
                raise ServiceUnavailable(self._busy)
            self._taken[owner] += 1
        future = self._executor.submit(function)
        # When the thread is done, not when the request is: one whose client has gone still has its place.
        future.add_done_callback(lambda _: self._leave(owner))
        return future

    def close(self) -> None:
        """Take no more calls. Those that run are not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _leave(self, owner: str) -> None:
        with self._lock:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]


class Made:
    """Bytes that take time to make: made once in a pool, and kept until others need the memory.

    Requests for what is being made wait for it, without a place in the pool.
    """

    def __init__(self, pool: BoundedPool, *, max_bytes: int) -> None:
        """Keep at most `max_bytes`, the most recently used first."""
        self._pool = pool
        self._max_bytes = max_bytes
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._being_made: dict[Hashable, asyncio.Task[bytes]] = {}

    async def get(self, key: Hashable, owner: str, make: Callable[[], bytes]) -> bytes:
        """Return what `make` returned for this key. Raises what that and `BoundedPool.run` raise."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        task = self._being_made.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, owner, make))
            self._being_made[key] = task
            task.add_done_callback(partial(self._made, key))
        return await asyncio.shield(task)

    def close(self) -> None:
        """Close the pool."""
        self._pool.close()

    def _made(self, key: Hashable, task: asyncio.Task[bytes]) -> None:
        del self._being_made[key]
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
