"""Files that the store keeps compressed: Zstandard frames of one plain size each, and where each lies.

The format is zstd's own seekable one (contrib/seekable_format in its repository): the last frame is one that
decoders skip, with the compressed and the plain size of every other. So the file as it lies in the store is
what HTTP calls `Content-Encoding: zstd`, `zstd -d` reads it, and a range costs the frames that it touches.
"""

import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import accumulate
from pathlib import Path

import zstandard

from jobs.storage.pieces import of_size

FRAME_BYTES = 4 * 1024 * 1024
"""Plain bytes of every frame but the last. Browsers allow windows of up to 8 MiB (RFC 9659)."""

_LEVEL = 3
_AT_ONCE = 4
_SAMPLES = 16
_SAMPLE_BYTES = 256 * 1024
_SMALLEST = 64 * 1024
_WORTH = 0.9
"""A file is kept compressed if it takes at most this share of its bytes."""

_SKIPPABLE = struct.Struct("<II")  # magic number, bytes that follow
_ENTRY = struct.Struct("<II")  # compressed bytes, plain bytes
_FOOTER = struct.Struct("<IBI")  # number of frames, descriptor (no checksums), magic number
_SKIPPABLE_MAGIC = 0x184D2A5E
_SEEKABLE_MAGIC = 0x8F92EAB1


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
            after += len(_compressed(sample))
    return after <= _WORTH * before


def compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the frames of a file in order, and the seek table. Only a few frames are in memory."""
    entries = []
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="zstd") as pool:
        ahead: deque[tuple[int, Future[bytes]]] = deque()

        def take() -> bytes:
            plain, future = ahead.popleft()
            frame = future.result()
            entries.append((len(frame), plain))
            return frame

        for plain in of_size(FRAME_BYTES, pieces):
            ahead.append((len(plain), pool.submit(_compressed, plain)))
            if len(ahead) > _AT_ONCE:
                yield take()
        while ahead:
            yield take()
    yield _seek_table(entries)


def plain(
    stored: Callable[[tuple[int, int]], Iterator[bytes]],
    stored_size: int,
    size: int,
    part: tuple[int, int] | None = None,
) -> Iterator[bytes]:
    """Return the plain bytes of a compressed file in pieces; of a part, no frame outside of it is read.

    `stored`: returns the bytes of the compressed file from the first one that it is given to the one before
    the second, in pieces. `stored_size`: compressed bytes. `size`: plain bytes. `part`: the first plain byte
    to return and the one behind the last. Raises what `stored` raises and Damaged at the call, and Damaged at
    a frame that is damaged.
    """
    frames = -(-size // FRAME_BYTES)
    table_size = _SKIPPABLE.size + frames * _ENTRY.size + _FOOTER.size
    if stored_size < table_size:
        raise Damaged("its size")
    table = b"".join(stored((stored_size - table_size, stored_size)))
    sizes = _sizes(table, size)
    if sizes is None or sum(sizes) + table_size != stored_size:
        raise Damaged("its seek table")
    start, end = part or (0, size)
    first, last = start // FRAME_BYTES, -(-end // FRAME_BYTES)
    begins = [0, *accumulate(sizes)]
    found = _cut(sizes[first:last], stored((begins[first], begins[last])))
    return _decompressed(found, first, start, end, size)


def _decompressed(frames: Iterable[bytes], first: int, start: int, end: int, size: int) -> Iterator[bytes]:
    """Yield the bytes `start` to `end` of a file of `size` bytes from its frames, of number `first` on."""
    for number, frame in enumerate(frames, first):
        begin = number * FRAME_BYTES
        try:
            if zstandard.frame_content_size(frame) != min(FRAME_BYTES, size - begin):
                raise Damaged(f"frame {number}")
            content = zstandard.ZstdDecompressor().decompress(frame)
        except zstandard.ZstdError as error:
            raise Damaged(f"frame {number}") from error
        yield content[max(0, start - begin) : end - begin]


def _compressed(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(plain)


def _cut(sizes: Sequence[int], pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of these sizes."""
    pieces, buffer = iter(pieces), bytearray()
    for size in sizes:
        while len(buffer) < size:
            piece = next(pieces, None)
            if piece is None:
                break
            buffer += piece
        yield bytes(buffer[:size])
        del buffer[:size]


def _seek_table(entries: Sequence[tuple[int, int]]) -> bytes:
    content = b"".join(_ENTRY.pack(*entry) for entry in entries)
    content += _FOOTER.pack(len(entries), 0, _SEEKABLE_MAGIC)
    return _SKIPPABLE.pack(_SKIPPABLE_MAGIC, len(content)) + content


def _sizes(table: bytes, size: int) -> list[int] | None:
    """Return the compressed sizes of all frames. None: this is no table of a file of `size` plain bytes."""
    content = table[_SKIPPABLE.size : -_FOOTER.size]
    if len(content) % _ENTRY.size:
        return None
    entries = list(_ENTRY.iter_unpack(content))
    whole, rest = divmod(size, FRAME_BYTES)
    if [after for _, after in entries] != [FRAME_BYTES] * whole + [rest] * bool(rest):
        return None
    return [before for before, _ in entries] if table == _seek_table(entries) else None
