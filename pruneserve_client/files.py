"""One file on its way into a directory: whole and with the announced checksum, or not at all."""

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Self

import httpx
import zstandard

from pruneserve_client.errors import DamagedDownload, UnexpectedResponse, UnsafeName
from pruneserve_client.models import ArtifactItem, ZooFile
from pruneserve_client.wire import CHUNK_BYTES, encoding_of

Downloadable = ArtifactItem | ZooFile

# Four bytes of Zstandard can decompress to 128 KiB: this input to 32 MiB at most.
_MAX_FRAME_INPUT = 1024


class PartialFile:
    """What has arrived of a file. It stays where a download breaks off, and the next one appends to it."""

    def __init__(self, file: Downloadable, destination: Path) -> None:
        """Open what an earlier download of the same content has left next to `destination`.

        Raises `UnexpectedResponse` for a file without a SHA-256.
        """
        if not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
            raise UnexpectedResponse(f"the server announces {file.name} without its SHA-256")
        self._file, self._destination = file, destination
        self._path = destination.with_name(f"{destination.name}.{file.sha256[:16]}.part")
        destination.parent.mkdir(parents=True, exist_ok=True)
        self._content = open(self._path, "a+b", opener=_open_no_link)  # noqa: SIM115 - `__exit__` closes it
        self._checksum = hashlib.sha256()
        self._frames = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)
        self._is_zstd = False
        self.size = 0
        self._content.seek(0)
        while chunk := self._content.read(CHUNK_BYTES):
            self._count(chunk)
        if self.size >= file.size and not self.complete:
            self._restart()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._content.close()
        if not self.size:
            self._path.unlink(missing_ok=True)

    @property
    def complete(self) -> bool:
        """Whether the file is all there."""
        return self.size > 0 and self._checksum.hexdigest() == self._file.sha256

    @property
    def too_long(self) -> bool:
        """Whether there are more bytes than were announced, which only a damaged file has."""
        return self.size > self._file.size

    def request_headers(self) -> Mapping[str, str]:
        """Return the headers that ask for the rest as plain bytes, or for all of it, compressed or not."""
        whole = {"Accept-Encoding": "zstd"}
        if not self.size:
            return whole
        return whole | {"Range": f"bytes={self.size}-", "If-Range": f'"{self._file.sha256}"'}

    def begin(self, response: httpx.Response) -> None:
        """Go on with the rest if that is what the server sends, and otherwise from the first byte.

        Raises `UnexpectedResponse`, and keeps what has arrived, for content that is encoded otherwise than by
        Zstandard, or has neither the file's tag nor its length, or another one, such as a page of a proxy.
        """
        encoding = encoding_of(response)
        if encoding not in ("identity", "zstd"):
            raise UnexpectedResponse(
                f"{self._file.name} is sent as {encoding[:100]!r}; the client takes zstd, or plain bytes"
            )
        self._is_zstd = encoding == "zstd"
        if response.headers.get("content-range", "").startswith(f"bytes {self.size}-"):
            return
        sha256, size = self._file.sha256, str(self._file.size)
        tag = response.headers.get("etag", "")
        length = "" if self._is_zstd else response.headers.get("content-length", "")
        if not (tag or length) or sha256 not in (tag or sha256) or size != (length or size):
            raise UnexpectedResponse(f"something else is sent in place of {self._file.name}", is_json=False)
        self._restart()

    def write(self, chunk: bytes) -> None:
        """Append a piece as it was sent, or what it holds. Raises `DamagedDownload`, and keeps nothing."""
        (self._decompress if self._is_zstd else self._append)(chunk)

    def _append(self, chunk: bytes) -> None:
        """Append a piece, with no more than one byte beyond those that were announced."""
        kept = chunk[: max(0, self._file.size + 1 - self.size)]
        self._content.write(kept)
        self._count(kept)

    def _decompress(self, chunk: bytes) -> None:
        try:
            for start in range(0, len(chunk), _MAX_FRAME_INPUT):
                if self.too_long:
                    return
                self._append(self._frames.decompress(chunk[start : start + _MAX_FRAME_INPUT]))
        except zstandard.ZstdError as error:
            self._restart()
            raise DamagedDownload(f"{self._file.name} arrived damaged: {error}; try again") from error

    def finish(self) -> Path:
        """Give the file its name and return its path. Raises `DamagedDownload`, and keeps nothing of it."""
        self._content.close()
        if self._checksum.hexdigest() != self._file.sha256:
            self._path.unlink()
            raise DamagedDownload(f"{self._file.name} arrived damaged: its SHA-256 differs; try again")
        self._path.replace(self._destination)
        return self._destination

    def _count(self, chunk: bytes) -> None:
        self._checksum.update(chunk)
        self.size += len(chunk)

    def _restart(self) -> None:
        self._content.truncate(0)
        self._checksum = hashlib.sha256()
        self.size = 0


class Progress:
    """Reports to a callback how many bytes have arrived since its last call."""

    def __init__(self, on_bytes: Callable[[int], object]) -> None:
        self._on_bytes, self._reported = on_bytes, 0
        self._most: int | None = None
        self.grew = False
        """Whether there have been more bytes than ever before."""

    def update(self, size: int) -> None:
        """Say that so many bytes are there: fewer than before where a download begins again."""
        self.grew |= self._most is not None and size > self._most
        self._most = max(size, self._most or 0)
        if size != self._reported:
            self._on_bytes(size - self._reported)
            self._reported = size


def destination_in(directory: Path, name: str) -> Path:
    """Return the destination of a file. Raises `UnsafeName` if its name leads out of the directory.

    So does a link in the directory, which may be a stranger's, such as the checkout of a pull request.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise UnsafeName(f"the server names a file {name!r}, which is not a plain name")
    destination = directory.joinpath(*path.parts)
    if not destination.parent.resolve().is_relative_to(directory.resolve()):
        raise UnsafeName(f"a link leads out of {str(directory)!r}, to where {name!r} would be written")
    return destination


def _open_no_link(path: str, flags: int) -> int:
    """Open a file, but none that a link leads to. Windows has no such flag, and makes links for few users."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def open_file(path: Path) -> BinaryIO:
    """Open a file to be read."""
    return path.open("rb")
