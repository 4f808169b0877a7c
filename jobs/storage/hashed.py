"""Bytes on their way to the store, with their size and their checksum at the end."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path

_READ_BYTES = 1024 * 1024


class HashedFile:
    """Yields the pieces of a file, and has its size and checksum at the end."""

    def __init__(self, path: Path, sha256: str | None, on_bytes: Callable[[int], None]) -> None:
        self._path = path
        self._known = sha256
        self._on_bytes = on_bytes
        self._digest = hashlib.sha256()
        self.size = 0
        self.error: BaseException | None = None

    @property
    def sha256(self) -> str:
        return self._known or self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._path.open("rb") as file:
                while piece := file.read(_READ_BYTES):
                    if self._known is None:
                        self._digest.update(piece)
                    self.size += len(piece)
                    self._on_bytes(self.size)
                    yield piece
        except GeneratorExit:  # the store has failed, and reads no more
            raise
        except BaseException as error:
            self.error = error
            raise


class Counted:
    """Passes pieces on, and has their size at the end."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = pieces
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            yield piece


class HashedStream:
    """Passes the pieces of a stream on, and has its size and digest at the end."""

    def __init__(self, pieces: AsyncIterable[bytes]) -> None:
        self._pieces = pieces
        self.digest = hashlib.sha256()
        self.size = 0
        self.error: BaseException | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._pieces:
                self.digest.update(piece)
                self.size += len(piece)
                yield piece
        except GeneratorExit:  # the store has failed, and reads no more
            raise
        except BaseException as error:
            self.error = error
            raise
