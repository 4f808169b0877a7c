"""Files with their checksums: what is hashed while it is written need not be read again."""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

_PIECE_BYTES = 1 << 22  # stays in a core's cache between hashing and writing
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.uint8: "U8",
}


@dataclass(frozen=True)
class HashedFile:
    """A file, and the SHA-256 of its content as 64 hex digits."""

    path: Path
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Read a file to hash it."""
        return cls(path, sha256_of(path))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_tensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> HashedFile:
    """Write tensors as a safetensors file, and hash it while it is written.

    The layout is that of the library's own `save_file`, which offers no hash. Raises OSError.
    """
    assert sys.byteorder == "little"  # noqa: S101 - as the format is
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0]))  # so all are aligned
    digest = hashlib.sha256()
    with path.open("wb") as file:
        header = _header(ordered, metadata)
        digest.update(header)
        file.write(header)
        for _, tensor in ordered:
            content = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
            for start in range(0, len(content), _PIECE_BYTES):
                piece = content[start : start + _PIECE_BYTES]
                digest.update(piece)
                file.write(piece)
    return HashedFile(path, digest.hexdigest())


def _header(tensors: list[tuple[str, Tensor]], metadata: Mapping[str, str] | None) -> bytes:
    """Return the length of the JSON in 8 bytes, and the JSON, padded to whole eights."""
    described: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    start = 0
    for name, tensor in tensors:
        described[name] = {
            "dtype": _DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, start + tensor.nbytes],
        }
        start += tensor.nbytes
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
