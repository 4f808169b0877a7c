# Generated from pruneserve_client/asynchronous/downloads.py by `make client`; do not edit.
"""Downloading one file, from where an earlier try broke off."""

from collections.abc import Callable
from pathlib import Path

from pruneserve_client.files import Downloadable, Part, Progress, inside
from pruneserve_client.synchronous.primitives import in_thread, retry
from pruneserve_client.synchronous.transport import Transport


def save(
    transport: Transport,
    file: Downloadable,
    directory: Path,
    on_bytes: Callable[[int], object],
    patience: float,
) -> Path:
    """Write the file into `directory`, under the name that the server gives it, and return its path."""
    destination = inside(directory, file.name)
    progress = Progress(on_bytes)

    def attempt() -> Path:
        with in_thread(Part, file, destination) as part:
            progress.reached(part.size)
            if not part.complete:
                with transport.content(file, part.wanted()) as response:
                    in_thread(part.begin, response)
                    progress.reached(part.size)
                    # httpx itself unpacks without any limit.
                    for piece in response.iter_raw():
                        in_thread(part.write, piece)
                        progress.reached(part.size)
                        if part.too_long:
                            break
            return in_thread(part.finish)

    return retry(attempt, patience)
