"""Byte streams from and to the store: hashed on the way, compressed with Zstandard, fetched in ranges.

A file that the store keeps compressed is one frame, as in HTTP's `Content-Encoding: zstd`. One connection to
an object store carries a few hundred megabytes a second at most; several carry more, so a large file is
fetched in ranges. They are yielded in order, so that the caller can hash what it writes and need not read it
again.
"""

import hashlib
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import pairwise
from pathlib import Path
from typing import IO, cast

import zstandard

_READ_BYTES = 1024 * 1024
_SECONDS_BETWEEN_CALLS = 0.5
_LEVEL = 3
_THREADS = 4
_PIECE_BYTES = 1024 * 1024
_SAMPLES = 16
_SAMPLE_BYTES = 256 * 1024
_MIN_BYTES = 64 * 1024

_MAX_RATIO = 0.9
"""A file is kept compressed if it takes at most this share of its bytes."""


class HashedPieces:
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


class CountedStream:
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


def byte_range(pieces: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
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


class CorruptFile(Exception):
    """A compressed file is not what was written."""


def is_compressible(path: Path) -> bool:
    """Whether samples from all over a file say that it is worth compressing. Reads 4 MiB at most."""
    size = path.stat().st_size
    if size < _MIN_BYTES:
        return False
    before = after = 0
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
            sample = file.read(_SAMPLE_BYTES)
            before += len(sample)
            after += len(zstandard.compress(sample, _LEVEL))
    return after <= _MAX_RATIO * before


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the compressed bytes of a file in pieces, with only a few megabytes in memory."""
    frame = zstandard.ZstdCompressor(level=_LEVEL, threads=_THREADS, write_checksum=True).compressobj()
    for piece in pieces:
        if found := frame.compress(piece):
            yield found
    yield frame.flush()


def decompressed(stored: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the `size` plain bytes of a compressed file. Raises what `stored` raises, and CorruptFile.

    A few compressed kilobytes may expand to gigabytes, so no piece is unpacked as a whole.
    """
    reader = zstandard.ZstdDecompressor().stream_reader(cast("IO[bytes]", _Source(stored)))
    left = size
    try:
        while piece := reader.read(_PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                break
            yield piece
    except zstandard.ZstdError as error:
        raise CorruptFile(str(error)) from error
    if left:
        raise CorruptFile(f"it has not the {size} bytes that were written")


class _Source:
    """What zstandard reads from: the pieces of a file, however long each is."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int) -> bytes:
        return next(self._pieces, b"")
