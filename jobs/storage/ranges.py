"""Fetches a large file in ranges: several are on their way at once, and they are yielded in order.

One connection to an object store carries a few hundred megabytes a second at most; several carry more. In
order, so that the caller can hash what it writes and need not read it again.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import httpx

from jobs.storage.pieces import Heartbeat, awaited


class WrongRange(Exception):
    """The store has sent another range than the one that was asked for."""


def in_ranges(
    fetch: Callable[[int, int], memoryview],
    size: int,
    *,
    part: int,
    at_once: int,
    while_waiting: Heartbeat,
) -> Iterator[memoryview]:
    """Yield the bytes 0 to `size` in pieces of `part`, of which `at_once` are fetched ahead.

    `fetch(start, end)` returns one range, on another thread; what it raises is raised here. `while_waiting`
    is called while the next piece is not there.
    Raises WrongRange.
    """
    bounds = pairwise([*range(0, size, part), size])
    pool = ThreadPoolExecutor(at_once, thread_name_prefix="range")
    ahead: deque[tuple[int, Future[memoryview]]] = deque()
    try:
        for start, end in bounds:
            ahead.append((end - start, pool.submit(fetch, start, end)))
            if len(ahead) == at_once:
                yield _next(ahead, while_waiting)
        while ahead:
            yield _next(ahead, while_waiting)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # a range that hangs must not keep the caller


def one_range(url: str, start: int, end: int, *, piece: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` from a server that may send them with the status of a whole file.

    rclone does that; of a server that sends the whole file, what lies around them is dropped. Raises
    `httpx.HTTPError`.
    """
    with httpx.stream("GET", url, headers={"Range": f"bytes={start}-{end - 1}"}) as response:
        response.raise_for_status()
        before = 0 if response.headers.get("content-range", "").startswith(f"bytes {start}-") else start
        left = end - start
        for found in response.iter_raw(piece):
            wanted = found[before:][:left]
            before, left = max(0, before - len(found)), left - len(wanted)
            if wanted:
                yield wanted
            if not left:
                return


def _next(ahead: deque[tuple[int, Future[memoryview]]], while_waiting: Heartbeat) -> memoryview:
    expected, future = ahead.popleft()
    piece = awaited(future, while_waiting)
    if len(piece) != expected:
        raise WrongRange(f"{len(piece)} bytes in place of {expected}")
    return piece
