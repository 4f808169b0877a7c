"""Pieces of files on their way, and waiting for them."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from typing import TypeVar

Result = TypeVar("Result")
Heartbeat = Callable[[], None]
"""Called at least twice a second while something is waited for; what it raises ends the wait."""

_SECONDS_BETWEEN_CALLS = 0.5


def awaited(future: Future[Result], heartbeat: Heartbeat) -> Result:
    """Return the result of a future, or raise what it raised."""
    while not wait([future], timeout=_SECONDS_BETWEEN_CALLS).done:
        heartbeat()
    return future.result()


def of_size(size: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of `size`, of which the last may be shorter."""
    buffer = bytearray()
    for piece in pieces:
        buffer += piece
        while len(buffer) >= size:
            yield bytes(buffer[:size])
            del buffer[:size]
    if buffer:
        yield bytes(buffer)
