"""Packs a safetensors file into a format of our own, and back: the same bytes, for an archive or a way.

A packed file is `MAGIC` and records. A record is a head, the lengths of its parts (32 bits each) and its
parts, each a frame of Zstandard. Numbers are unsigned and little-endian. The head (kind: 8 bits, bytes of an
element: 8 bits, number of elements: 64 bits) says what follows:

- `_RAW`: bytes as they are, such as the header of the safetensors file. One part.
- `_ELEMENTS`: elements of a tensor. The first part has a bit for each, 1 where any bit of the element is set,
  the first element in the highest bit of the first byte. Then one part for each byte of an element: that byte
  of all elements whose bit is 1, the lowest byte first. So a zero takes one bit at most, and -0.0 is no zero.
- `_END`: no parts, but the SHA-256 of the file that was packed. The number of elements is its size in bytes.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from math import prod
from pathlib import Path
from reprlib import repr as short
from typing import IO, Any

import numpy as np
import zstandard

MAGIC = b"PRUNESERVE PACK 1\n"
CHUNK_ELEMENTS = 4 * 1024 * 1024
"""Elements, or raw bytes, of a record at most: what is in memory at a time."""

_RAW, _ELEMENTS, _END = 1, 2, 0
_HEAD = struct.Struct("<BBQ")
_LENGTH = struct.Struct("<I")
_SIZES = (1, 2, 4, 8)
_LEVEL = 3
_MAX_HEADER_BYTES = 100_000_000  # safetensors' own limit
_MAX_DIMS = 64
_MAX_DIM = 2**63 - 1


class NotPackable(Exception):
    """The file is no safetensors file, or no packed one, or damaged. The message says which."""


def pack(source: Path, target: Path) -> None:
    """Write the safetensors file `source` to `target`, packed. Raises NotPackable and OSError."""
    with source.open("rb") as plain, target.open("wb") as packed:
        reader = _Hashed(plain)
        packed.write(MAGIC)
        for width, count in _segments(plain, source.stat().st_size):
            for start in range(0, count, CHUNK_ELEMENTS):
                size = min(count - start, CHUNK_ELEMENTS) * max(1, width)
                content = reader.read(size)
                if len(content) != size:
                    raise NotPackable(f"{source.name} became shorter while it was read")
                packed.write(_record(content, width))
        packed.write(_HEAD.pack(_END, 0, reader.size) + reader.digest)


def unpack(source: Path, target: Path) -> None:
    """Write the file that was packed into `source` to `target`. Raises NotPackable and OSError."""
    stated, digest, written = plain_size(source), hashlib.sha256(), 0
    with source.open("rb") as packed, target.open("wb") as plain:
        packed.seek(len(MAGIC))
        try:
            while (head := _HEAD.unpack(_exactly(packed, _HEAD.size)))[0] != _END:
                content = _content(packed, stated - written, *head)
                plain.write(content)
                digest.update(content)
                written += len(content)
            end = _exactly(packed, digest.digest_size) + packed.read(1)
        except (ValueError, zstandard.ZstdError) as error:
            raise NotPackable(f"{source.name} is damaged: {error}") from error
    if end != digest.digest() or head != (_END, 0, written):
        raise NotPackable(f"{source.name} is damaged: it does not give the file that was packed")


def plain_size(source: Path) -> int:
    """Return the bytes that the last record of a packed file states. Raises NotPackable and OSError."""
    tail = _HEAD.size + hashlib.sha256().digest_size
    with source.open("rb") as packed:
        if packed.read(len(MAGIC)) != MAGIC:
            raise NotPackable(f"{source.name} is not a file that `pruneserve pack` has written")
        if packed.seek(0, os.SEEK_END) < len(MAGIC) + tail:
            raise NotPackable(f"{source.name} is damaged: it ends too early")
        packed.seek(-tail, os.SEEK_END)
        kind, width, size = _HEAD.unpack(packed.read(_HEAD.size))
    if (kind, width) != (_END, 0):
        raise NotPackable(f"{source.name} is damaged: it ends without its last record")
    return int(size)


class _Hashed:
    """Reads a file from its beginning, and has the size and the SHA-256 of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def read(self, count: int) -> bytes:
        content = self._file.read(count)
        self._digest.update(content)
        self.size += len(content)
        return content


def _segments(file: IO[bytes], size: int) -> Iterator[tuple[int, int]]:
    """Yield what a file consists of, in order: bytes of an element, 0 for raw bytes, and how many of them."""
    start, tensors = _header(file, size)
    file.seek(0)
    yield 0, start
    at = start
    for begin, end, width in tensors:
        if begin > at:
            yield 0, begin - at  # between two tensors
        yield width, (end - begin) // width
        at = end
    if size > at:
        yield 0, size - at


def _header(file: IO[bytes], size: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Return where tensors begin, and of each its first byte, the one behind its last, an element's bytes."""
    length = int.from_bytes(file.read(8), "little")
    if not 0 < length <= min(size - 8, _MAX_HEADER_BYTES):
        raise NotPackable("this is no safetensors file: it does not begin with the length of a header")
    start = 8 + length
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise NotPackable("this is no safetensors file: its header cannot be read") from error
    if not isinstance(header, dict):
        raise NotPackable("this is no safetensors file: its header is no object of JSON")
    tensors = [_tensor(name, entry, start, size) for name, entry in header.items() if name != "__metadata__"]
    tensors = sorted(tensor for tensor in tensors if tensor[0] != tensor[1])
    ends = [start, *(end for _, end, _ in tensors)]
    if any(begin < last for (begin, _, _), last in zip(tensors, ends, strict=False)) or ends[-1] > size:
        raise NotPackable("this is no whole safetensors file: tensors overlap, or lie behind its end")
    return start, tensors


def _tensor(name: str, entry: object, start: int, size: int) -> tuple[int, int, int]:
    """Return a tensor's first byte, the one behind its last, and an element's bytes. Raises NotPackable."""
    if not isinstance(entry, dict):
        raise _wrong(name, "entry", entry, "an object of JSON")
    begin, end = _numbers(name, entry, "data_offsets", 2, size - start)
    if begin > end:
        raise _wrong(name, "data_offsets", [begin, end], "no end before its begin")
    elements = prod(_numbers(name, entry, "shape", _MAX_DIMS, _MAX_DIM))
    width, rest = divmod(end - begin, elements) if elements else (1, 0)
    # Of an element of another size, 4 bits say, each byte is one.
    return start + begin, start + end, width if rest == 0 and width in _SIZES else 1


def _numbers(name: str, entry: dict[str, Any], field: str, count: int, most: int) -> list[int]:
    """Return a list of at most so many numbers, each checked before anything is computed with it."""
    numbers = entry.get(field)
    if not isinstance(numbers, list) or len(numbers) > count or (field != "shape" and len(numbers) != count):
        raise _wrong(name, field, numbers, f"{count} numbers" + " at most" * (field == "shape"))
    for number in numbers:
        if type(number) is not int or not 0 <= number <= most:
            raise _wrong(name, field, number, f"whole numbers from 0 to {most}")
    return numbers


def _wrong(name: str, field: str, value: object, expected: str) -> NotPackable:
    return NotPackable(
        f"this is no whole safetensors file: {field} of {short(name)} has {short(value)}, "
        f"and may have {expected}"
    )


def _record(content: bytes, width: int) -> bytes:
    """Return the record of elements of so many bytes, or of raw bytes if `width` is 0."""
    if width == 0:
        kind, count, parts = _RAW, len(content), [content]
    else:
        elements = np.frombuffer(content, dtype=f"<u{width}")
        kept = elements != 0
        planes = elements[kept].view(np.uint8).reshape(-1, width).T
        kind, count = _ELEMENTS, len(elements)
        parts = [np.packbits(kept).tobytes(), *(plane.tobytes() for plane in planes)]
    frames = [zstandard.ZstdCompressor(level=_LEVEL).compress(part) for part in parts]
    lengths = b"".join(_LENGTH.pack(len(frame)) for frame in frames)
    return _HEAD.pack(kind, width, count) + lengths + b"".join(frames)


def _content(file: IO[bytes], most: int, kind: int, width: int, count: int) -> bytes:
    """Return the bytes, `most` at most, that the record with this head stands for.

    Raises ValueError and ZstdError.
    """
    if (kind, width) not in [(_RAW, 0), *((_ELEMENTS, size) for size in _SIZES)]:
        raise ValueError(f"there is no record of kind {kind} and {width} bytes")
    if not 0 < count <= CHUNK_ELEMENTS:
        raise ValueError(f"a record has {count} elements, and may have 1 to {CHUNK_ELEMENTS}")
    if (size := count * max(1, width)) > most:
        raise ValueError(f"a record gives {size} bytes, and {most} are left of those that its end states")
    lengths = [_LENGTH.unpack(_exactly(file, _LENGTH.size))[0] for _ in range(width + 1)]
    if kind == _RAW:
        return _plain(file, lengths[0], count)
    bits = np.frombuffer(_plain(file, lengths[0], -(-count // 8)), dtype=np.uint8)
    kept = np.unpackbits(bits, count=count).view(bool)
    planes = [_plain(file, length, int(kept.sum())) for length in lengths[1:]]
    values = np.stack([np.frombuffer(plane, dtype=np.uint8) for plane in planes], axis=1)
    elements = np.zeros(count, dtype=f"<u{width}")
    elements[kept] = np.ascontiguousarray(values).view(f"<u{width}").reshape(-1)
    return elements.tobytes()


def _plain(file: IO[bytes], length: int, size: int) -> bytes:
    """Return the bytes of a part, which must be as many as `size`, whatever its frame says."""
    if length > (most := size + size // 128 + 1024):  # more than Zstandard makes of what it cannot compress
        raise ValueError(f"a part has a length of {length} bytes, and may have {most}")
    frame = _exactly(file, length)
    if zstandard.frame_content_size(frame) != size:
        raise ValueError(f"a part has not the {size} bytes that it should have")
    return zstandard.ZstdDecompressor().decompress(frame)


def _exactly(file: IO[bytes], count: int) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise ValueError("it ends too early")
    return content
