"""What it is to wait in a thread. Its sibling in `asynchronous` is written by hand too."""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import BinaryIO, TypeVar, cast

from tenacity import Retrying

from pruneserve_client.wire import CHUNK_BYTES, retries

Result = TypeVar("Result")
Item = TypeVar("Item")


def pause(seconds: float) -> None:
    """Wait for so long."""
    time.sleep(seconds)


def in_thread(action: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of what waits for a disk; this is its thread."""
    return action(*arguments)


def retry(action: Callable[[], Result], patience: float, *, answered: bool = False) -> Result:
    """Return the result of `action`, retrying for `patience` seconds while what it raises `may_pass`."""
    result: Result = Retrying(**retries(patience, answered=answered))(action)
    return result


def closing_at_end(items: Iterator[Item]) -> "closing[Generator[Item, None, None]]":
    """Return a context at whose end `items`, a generator, lets go of its connection."""
    return closing(cast("Generator[Item, None, None]", items))


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file from its current position."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
