"""Dedicated threads for slow work, so that it cannot take those that serve every other request.

A pool has a few threads and a short queue. What does not fit is refused at once with 503 and `Retry-After`:
to wait longer would only hold connections. One owner gets a part of a pool, the rest stays free for others.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from api.problems.catalogue import ServiceUnavailable
from api.rate_limit import OpenRequests

T = TypeVar("T")


class BoundedPool:
    """Runs functions in dedicated threads, a limited number at a time."""

    def __init__(self, name: str, *, threads: int, capacity: int, per_owner: int, refusal: str) -> None:
        """At most `capacity` calls run or wait, `per_owner` of one owner. `refusal`: the 503's detail."""
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._active = OpenRequests(per_owner, capacity)
        self._refusal = refusal

    async def run(self, owner: str, function: Callable[[], T]) -> T:
        """Return what `function` returns. Raises what it raises, and ServiceUnavailable without a place."""
        return await asyncio.wrap_future(self.start(owner, function))

    def start(self, owner: str, function: Callable[[], T]) -> Future[T]:
        """Return what `function` will return. Raises ServiceUnavailable without a place."""
        if not self._active.enter(owner):
            raise ServiceUnavailable(self._refusal)
        future = self._executor.submit(function)
        # When the thread is done, not when the request is: one whose client has gone still has its place.
        future.add_done_callback(lambda _: self._active.leave(owner))
        return future

    async def iterate(self, items: Iterator[T]) -> AsyncIterator[T]:
        """Yield the items, each from a thread. None is refused a place: what was begun waits."""
        while (item := await asyncio.wrap_future(self._executor.submit(next, items, None))) is not None:
            yield item

    def close(self) -> None:
        """Take no more calls, and drop those that wait. Those that run end before the process does."""
        self._executor.shutdown(wait=False, cancel_futures=True)
