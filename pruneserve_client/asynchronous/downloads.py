"""Downloading one file, from where an earlier try broke off."""

from collections.abc import Callable
from pathlib import Path

from pruneserve_client.asynchronous.primitives import in_thread, retry
from pruneserve_client.asynchronous.transport import AsyncTransport
from pruneserve_client.files import Downloadable, Part, Progress, inside


async def save(
    transport: AsyncTransport,
    file: Downloadable,
    directory: Path,
    on_bytes: Callable[[int], object],
    patience: float,
) -> Path:
    """Write the file into `directory`, under the name that the server gives it, and return its path."""
    destination = inside(directory, file.name)
    progress = Progress(on_bytes)

    async def attempt() -> Path:
        with await in_thread(Part, file, destination) as part:
            progress.reached(part.size)
            if not part.complete:
                async with transport.content(file, part.wanted()) as response:
                    await in_thread(part.begin, response)
                    progress.reached(part.size)
                    # httpx itself unpacks without any limit.
                    async for piece in response.aiter_raw():
                        await in_thread(part.write, piece)
                        progress.reached(part.size)
                        if part.too_long:
                            break
            return await in_thread(part.finish)

    return await retry(attempt, patience)
