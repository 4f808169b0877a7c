"""Fetches a large file in ranges: several are on their way at once, and they are yielded in order.

One connection to an object store carries a few hundred megabytes a second at most; several carry more. In
order, so that the caller can hash what it writes and need not read it again.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import pairwise

_SECONDS_BETWEEN_CALLS = 0.5


class WrongRange(Exception):
    """The store has sent another range than the one that was asked for."""


def in_ranges(
    fetch: Callable[[int, int], memoryview],
    size: int,
    *,
    part: int,
    at_once: int,
    while_waiting: Callable[[], None],
) -> Iterator[memoryview]:
    """Yield the bytes 0 to `size` in pieces of `part`, of which `at_once` are fetched ahead.

    `fetch(start, end)` returns one range, on another thread; what it raises is raised here. `while_waiting`
    is called at least twice a second while the next piece is not there. Raises WrongRange.
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


def within(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` of a file whose pieces come from its beginning.

    A piece before them is yielded empty. So a thread that sends them serves other requests meanwhile, and
    stops once the client has gone.
    """
    before, left = start, end - start
    while left > 0 and (piece := next(pieces, None)) is not None:
        wanted = piece[before:][:left]
        before, left = max(0, before - len(piece)), left - len(wanted)
        yield wanted


def _next(ahead: deque[tuple[int, Future[memoryview]]], while_waiting: Callable[[], None]) -> memoryview:
    expected, future = ahead.popleft()
    while not wait([future], timeout=_SECONDS_BETWEEN_CALLS).done:
        while_waiting()
    piece = future.result()
    if len(piece) != expected:
        raise WrongRange(f"{len(piece)} bytes in place of {expected}")
    return piece
