"""One file on its way into a directory: whole and with the announced checksum, or not at all."""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import BinaryIO, Self

import httpx
import zstandard

from pruneserve_client.errors import DamagedDownload, UnexpectedResponse, UnsafeName
from pruneserve_client.models import ArtifactItem, ZooFile
from pruneserve_client.wire import PIECE_BYTES, encoding_of

Downloadable = ArtifactItem | ZooFile

# Of Zstandard, four bytes can stand for 128 KiB: so many bytes unpack to 32 MiB at most.
_MOST_AT_ONCE = 1024


class Part:
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
        self._content = self._path.open("a+b")
        self._checksum = hashlib.sha256()
        self._frames = zstandard.ZstdDecompressor().decompressobj(read_across_frames=True)
        self._packed = False
        self.size = 0
        self._content.seek(0)
        while piece := self._content.read(PIECE_BYTES):
            self._count(piece)
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

    def wanted(self) -> Mapping[str, str]:
        """Return the headers that ask for the rest as plain bytes, or for all of it, compressed or not."""
        whole = {"Accept-Encoding": "zstd"}
        if not self.size:
            return whole
        return whole | {"Range": f"bytes={self.size}-", "If-Range": f'"{self._file.sha256}"'}

    def begin(self, response: httpx.Response) -> None:
        """Go on with the rest if that is what the server sends, and otherwise from the first byte.

        Raises `UnexpectedResponse` for content that is encoded otherwise than by Zstandard.
        """
        encoding = encoding_of(response)
        if encoding not in ("identity", "zstd"):
            raise UnexpectedResponse(
                f"{self._file.name} is sent as {encoding[:100]!r}; the client takes zstd, or plain bytes"
            )
        self._packed = encoding == "zstd"
        if not response.headers.get("content-range", "").startswith(f"bytes {self.size}-"):
            self._restart()

    def write(self, piece: bytes) -> None:
        """Append a piece as it was sent, or what it holds. Raises `DamagedDownload`, and keeps nothing."""
        (self._unpack if self._packed else self._append)(piece)

    def _append(self, piece: bytes) -> None:
        """Append a piece, with no more than one byte beyond those that were announced."""
        kept = piece[: max(0, self._file.size + 1 - self.size)]
        self._content.write(kept)
        self._count(kept)

    def _unpack(self, piece: bytes) -> None:
        try:
            for start in range(0, len(piece), _MOST_AT_ONCE):
                if self.too_long:
                    return
                self._append(self._frames.decompress(piece[start : start + _MOST_AT_ONCE]))
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

    def _count(self, piece: bytes) -> None:
        self._checksum.update(piece)
        self.size += len(piece)

    def _restart(self) -> None:
        self._content.truncate(0)
        self._checksum = hashlib.sha256()
        self.size = 0


class Progress:
    """Reports to a callback how many bytes have arrived since its last call."""

    def __init__(self, on_bytes: Callable[[int], object]) -> None:
        self._on_bytes, self._reported = on_bytes, 0

    def reached(self, size: int) -> None:
        """Say that so many bytes are there: fewer than before where a download begins again."""
        if size != self._reported:
            self._on_bytes(size - self._reported)
            self._reported = size


def inside(directory: Path, name: str) -> Path:
    """Return the destination of a file. Raises `UnsafeName` if its name leads out of the directory."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise UnsafeName(f"the server names a file {name!r}, which is not a plain name")
    return directory.joinpath(*path.parts)


def opened(path: Path) -> BinaryIO:
    """Open a file to be read."""
    return path.open("rb")
