"""Downloading one file: whole and with the announced checksum, or not at all; never outside its directory."""

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from pruneserve_client.errors import DamagedDownload, UnsafeName
from pruneserve_client.models import ArtifactItem, ZooFile
from pruneserve_client.transport import Transport

Downloadable = ArtifactItem | ZooFile

_PIECE_BYTES = 1 << 20


def save(
    transport: Transport, file: Downloadable, directory: Path, on_bytes: Callable[[int], object]
) -> Path:
    """Write the file into `directory`, under the name that the server gives it, and return its path."""
    destination = _inside(directory, file.name)
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f"{destination.name}.part")
    checksum = hashlib.sha256()
    try:
        with partial.open("wb") as content, transport.exchange("GET", file.url) as response:
            for piece in response.iter_bytes(_PIECE_BYTES):
                content.write(piece)
                checksum.update(piece)
                on_bytes(len(piece))
        if checksum.hexdigest() != file.sha256:
            raise DamagedDownload(f"{file.name} arrived damaged: its SHA-256 differs; try again")
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)
    return destination


def _inside(directory: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or not path.parts:
        raise UnsafeName(f"the server names a file {name!r}, which is not a plain name")
    return directory.joinpath(*path.parts)
