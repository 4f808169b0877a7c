"""Downloading one file: whole and with the announced checksum, or not at all; never outside its directory.

What has arrived of a file stays until it is whole: the next download of the same content goes on there.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from io import BufferedReader, RawIOBase
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import zstandard

from pruneserve_client.errors import DamagedDownload, UnexpectedResponse, UnsafeName
from pruneserve_client.models import ArtifactItem, ZooFile
from pruneserve_client.transport import Transport

Downloadable = ArtifactItem | ZooFile

_PIECE_BYTES = 1 << 20


def save(
    transport: Transport, file: Downloadable, directory: Path, on_bytes: Callable[[int], object]
) -> Path:
    """Write the file into `directory`, under the name that the server gives it, and return its path."""
    destination = _inside(directory, file.name)
    if not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
        raise UnexpectedResponse(f"the server announces {file.name} without its SHA-256")
    destination.parent.mkdir(parents=True, exist_ok=True)
    arrived = _Arrived(destination.with_name(f"{destination.name}.{file.sha256[:16]}.part"))
    if arrived.size and arrived.sha256 == file.sha256:
        on_bytes(arrived.size)
    else:
        _fetch(transport, file, arrived, on_bytes)
    if arrived.sha256 != file.sha256:
        arrived.path.unlink()
        raise DamagedDownload(f"{file.name} arrived damaged: its SHA-256 differs; try again")
    arrived.path.replace(destination)
    return destination


class _Arrived:
    """What has arrived of a file so far, on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._checksum = hashlib.sha256()
        if path.exists():
            with path.open("rb") as content:
                while piece := content.read(_PIECE_BYTES):
                    self._count(piece)

    @property
    def sha256(self) -> str:
        return self._checksum.hexdigest()

    def discard(self) -> None:
        """Begin from the first byte again."""
        self.path.unlink(missing_ok=True)
        self.size, self._checksum = 0, hashlib.sha256()

    def append(self, pieces: Iterator[bytes], most: int, on_bytes: Callable[[int], object]) -> None:
        """Write pieces until there are more than `most` bytes in all, which only a damaged file has."""
        with self.path.open("ab") as content:
            for piece in pieces:
                content.write(piece)
                self._count(piece)
                on_bytes(len(piece))
                if self.size > most:
                    return

    def _count(self, piece: bytes) -> None:
        self._checksum.update(piece)
        self.size += len(piece)


def _fetch(
    transport: Transport, file: Downloadable, arrived: _Arrived, on_bytes: Callable[[int], object]
) -> None:
    """Fetch what is missing as plain bytes, or the whole file, compressed where the server keeps it so."""
    headers = {"Accept-Encoding": "zstd"}
    if 0 < arrived.size < file.size:
        headers |= {"Range": f"bytes={arrived.size}-", "If-Range": f'"{file.sha256}"'}
    with transport.exchange("GET", file.url, headers=headers) as response:
        if response.headers.get("content-range", "").startswith(f"bytes {arrived.size}-"):
            on_bytes(arrived.size)
        else:
            arrived.discard()
        arrived.append(_pieces(response, file), file.size, on_bytes)


def _pieces(response: httpx.Response, file: Downloadable) -> Iterator[bytes]:
    """Yield the plain content. httpx itself fails where a frame ends with a piece of the network."""
    if response.headers.get("content-encoding") != "zstd":
        yield from response.iter_bytes()
        return
    stored = BufferedReader(_Raw(response.iter_raw()))
    reader = zstandard.ZstdDecompressor().stream_reader(stored, read_across_frames=True)
    try:
        while piece := reader.read(_PIECE_BYTES):
            yield piece
    except zstandard.ZstdError as error:
        raise DamagedDownload(f"{file.name} arrived damaged: {error}; try again") from error


class _Raw(RawIOBase):
    """Reads pieces as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - whatever bytes can be written into
        if not self._left:
            self._left = next(self._pieces, b"")
        room = memoryview(buffer)
        found, self._left = self._left[: len(room)], self._left[len(room) :]
        room[: len(found)] = found
        return len(found)


def _inside(directory: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise UnsafeName(f"the server names a file {name!r}, which is not a plain name")
    return directory.joinpath(*path.parts)
