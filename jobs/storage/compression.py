"""Files that the store keeps compressed: one Zstandard frame each, as in HTTP's `Content-Encoding: zstd`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

import zstandard

_LEVEL = 3
_THREADS = 4
_PIECE_BYTES = 1024 * 1024
_SAMPLES = 16
_SAMPLE_BYTES = 256 * 1024
_SMALLEST = 64 * 1024
_WORTH = 0.9
"""A file is kept compressed if it takes at most this share of its bytes."""


class Damaged(Exception):
    """A compressed file is not what was written."""


def shrinks(path: Path) -> bool:
    """Whether samples from all over a file say that it is worth compressing. Reads 4 MiB at most."""
    size = path.stat().st_size
    if size < _SMALLEST:
        return False
    before = after = 0
    with path.open("rb") as file:
        for number in range(_SAMPLES):
            file.seek(max(0, size - _SAMPLE_BYTES) * number // (_SAMPLES - 1))
            sample = file.read(_SAMPLE_BYTES)
            before += len(sample)
            after += len(zstandard.compress(sample, _LEVEL))
    return after <= _WORTH * before


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the compressed bytes of a file in pieces, with only a few megabytes in memory."""
    frame = zstandard.ZstdCompressor(level=_LEVEL, threads=_THREADS, write_checksum=True).compressobj()
    for piece in pieces:
        if found := frame.compress(piece):
            yield found
    yield frame.flush()


def plain(stored: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the `size` plain bytes of a compressed file in pieces. Raises what `stored` raises, and Damaged.

    A few kilobytes of zeros may stand for gigabytes, so no piece is unpacked as a whole.
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
        raise Damaged(str(error)) from error
    if left:
        raise Damaged(f"it has not the {size} bytes that were written")


class _Source:
    """What zstandard reads from: the pieces of a file, however long each is."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, _size: int) -> bytes:
        return next(self._pieces, b"")
