"""Files with their SHA-256, hashed while they are written, so that they need not be read again."""

import hashlib
import json
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

_CHUNK_BYTES = 1 << 22  # stays in a core's cache between hashing and writing
DTYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.uint8: "U8",
}
"""The names in safetensors files of the dtypes that are written."""


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


def digest_of(files: Mapping[int, HashedFile]) -> str:
    """Return the SHA-256 of the checksums of numbered files, as 64 hex digits."""
    checksums = [f"{number} {file.sha256}" for number, file in sorted(files.items())]
    return hashlib.sha256("\n".join(checksums).encode()).hexdigest()


class ComputedTensors(Mapping[str, Tensor]):
    """Tensors by name, each computed when it is read, so that one of them is in memory at a time."""

    def __init__(self, names: Collection[str], compute: Callable[[str], Tensor]) -> None:
        self._names, self._compute = names, compute

    def __getitem__(self, name: str) -> Tensor:
        return self._compute(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def save_tensors(
    tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None
) -> HashedFile:
    """Write tensors as a safetensors file, and hash it while it is written.

    The layout is that of the library's own `save_file`, which offers no hash. An earlier file of that name is
    replaced and never written into: the tensors may be mapped from it. `ComputedTensors` are computed twice.
    Raises OSError.
    """
    assert sys.byteorder == "little"  # noqa: S101 - the format is little-endian
    shapes = {name: tensor.to("meta") for name, tensor in tensors.items()}
    ordered = sorted(shapes.items(), key=lambda item: (-item[1].itemsize, item[0]))  # keeps all aligned
    partial = path.with_name(f"{path.name}.partial")
    with _HashingWriter(partial) as file:
        file.write(_header(ordered, metadata))
        for name, _ in ordered:
            file.write_content(tensors[name])
    return HashedFile(partial.replace(path), file.written.sha256)


class RowsFile:
    """Writes one tensor, (rows, columns), as a safetensors file, some rows at a time; hashes it meanwhile."""

    def __init__(self, path: Path, name: str, like: Tensor, rows: int) -> None:
        """`like`: a tensor with the same columns and dtype. `rows`: their total number."""
        self._missing = rows
        self._file = _HashingWriter(path)
        whole = torch.empty(rows, like.shape[1], dtype=like.dtype, device="meta")
        self._file.write(_header([(name, whole)], None))

    def append(self, rows: Tensor) -> None:
        """Write the next rows."""
        self._missing -= len(rows)
        self._file.write_content(rows)

    def close(self) -> HashedFile | None:
        """Return the file if all rows were written; otherwise delete it."""
        self._file.close()
        if self._missing:
            self._file.path.unlink()
            return None
        return self._file.written


class _HashingWriter:
    """Writes a file, and hashes what it writes. Raises OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("wb")
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def written(self) -> HashedFile:
        """The file, with the hash of what was written."""
        return HashedFile(self.path, self._digest.hexdigest())

    def write(self, piece: bytes | memoryview) -> None:
        self._digest.update(piece)
        self._file.write(piece)

    def write_content(self, tensor: Tensor) -> None:
        content = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data
        for start in range(0, len(content), _CHUNK_BYTES):
            self.write(content[start : start + _CHUNK_BYTES])

    def close(self) -> None:
        self._file.close()


def _header(tensors: list[tuple[str, Tensor]], metadata: Mapping[str, str] | None) -> bytes:
    """Return the length of the JSON in 8 bytes, and the JSON, padded to a multiple of 8 bytes."""
    described: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    start = 0
    for name, tensor in tensors:
        described[name] = {
            "dtype": DTYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, start + tensor.nbytes],
        }
        start += tensor.nbytes
    text = json.dumps(described, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
