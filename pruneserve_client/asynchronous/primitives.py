"""What it is to wait on an event loop. Its sibling in `synchronous` is written by hand too."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import BinaryIO, TypeVar, cast

from tenacity import AsyncRetrying

from pruneserve_client.wire import CHUNK_BYTES, retries

Result = TypeVar("Result")
Item = TypeVar("Item")


async def pause(seconds: float) -> None:
    """Let others run for so long."""
    await asyncio.sleep(seconds)


async def in_thread(action: Callable[..., Result], *arguments: object) -> Result:
    """Return the result of what waits for a disk, and would hold up the loop."""
    return await asyncio.to_thread(action, *arguments)


async def retry(
    action: Callable[[], Awaitable[Result]], patience: float, *, answered: bool = False
) -> Result:
    """Return the result of `action`, retrying for `patience` seconds while what it raises `may_pass`."""

    async def attempt() -> Result:
        return await action()

    result: Result = await AsyncRetrying(**retries(patience, answered=answered))(attempt)
    return result


def closing_at_end(items: AsyncIterator[Item]) -> "aclosing[AsyncGenerator[Item, None]]":
    """Return a context at whose end `items`, a generator, lets go of its connection."""
    return aclosing(cast("AsyncGenerator[Item, None]", items))


async def chunks(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield a file from its current position."""
    while chunk := await in_thread(file.read, CHUNK_BYTES):
        yield chunk
