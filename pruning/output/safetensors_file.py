"""Safetensors files by their headers and bytes, without holding them in memory. Nothing here needs torch.

A file is the length of its header (8 bytes, little-endian), the header (JSON), and the bytes of the
tensors.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from os import fstat, posix_fallocate
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from pruning.errors import InvalidInput

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100_000_000  # the library's own limit
_PIECE_BYTES = 1 << 24  # copied at a time
_SHOWN = 100  # characters of a tensor's name, in a message
_MAX_DIMENSIONS = 64  # of a tensor of torch
# Of an element. Other dtypes, which come with later releases of the library, are not compared with the bytes.
_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 1),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 2),
    **dict.fromkeys(("I32", "U32", "F32"), 4),
    **dict.fromkeys(("I64", "U64", "F64", "C64"), 8),
}
_METADATA = "__metadata__"

Renamed = Callable[[str], str | None]
"""Returns the new name of a tensor, or None for one that is omitted."""


@dataclass(frozen=True)
class SafetensorsFile:
    """A file whose tensors are written in place; its names, shapes, dtypes and order do not change."""

    path: Path
    header: Mapping[str, Any]  # by tensor: dtype, shape, data_offsets
    start: int  # of the tensors' bytes in the file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the header of an existing file.

        Raises InvalidInput with field 'model.id' for a header that does not fit the file.
        """
        with path.open("rb") as file:
            size = fstat(file.fileno()).st_size - _LENGTH_BYTES
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            # Before it is read: eight bytes can claim more than any memory holds.
            if not 0 < length <= min(size, _MAX_HEADER_BYTES):
                raise _damaged(path, f"its header cannot have {length} bytes")
            try:
                header = json.loads(file.read(length))
            except (ValueError, RecursionError) as error:
                raise _damaged(path, "its header is not JSON") from error
        if not isinstance(header, dict) or not isinstance(header.get(_METADATA, {}), dict):
            raise _damaged(path, "its header is not a JSON object, or has no metadata of that kind")
        for name in header.keys() - {_METADATA}:
            if not _fits(header[name], size - length):
                raise _damaged(
                    path, f"the shape and the bytes of {name[:_SHOWN]!r} do not fit each other, or the file"
                )
        return cls(path, header, _LENGTH_BYTES + length)

    @classmethod
    def create(cls, path: Path, byte_counts: Mapping[str, int], metadata: Mapping[str, str]) -> Self:
        """Write a file of zeros for one-dimensional tensors of bytes, in the order given."""
        tensors = {name: {"dtype": "U8", "shape": [count]} for name, count in byte_counts.items()}
        return cls.create_tensors(path, tensors, byte_counts, metadata)

    def create_smaller(self, path: Path, shapes: Mapping[str, Sequence[int]], renamed: Renamed) -> Self:
        """Write a file of zeros for the same tensors, in the same order, some of other `shapes`.

        `renamed`: returns the name of a tensor there, or None for one that is omitted.
        """
        tensors, byte_counts = {}, {}
        for old in self.names:
            own, name = self.header[old], renamed(old)
            if name is None:
                continue
            shape = list(shapes.get(old, own["shape"]))
            tensors[name] = {"dtype": own["dtype"], "shape": shape}
            size = self.byte_count(old) // max(1, prod(own["shape"]))
            byte_counts[name] = prod(shape) * size
        return type(self).create_tensors(path, tensors, byte_counts, self.metadata)

    @classmethod
    def create_tensors(
        cls,
        path: Path,
        tensors: Mapping[str, Mapping[str, Any]],
        byte_counts: Mapping[str, int],
        metadata: Mapping[str, str],
    ) -> Self:
        """Write a file of zeros for tensors of these dtypes and shapes, in the order given.

        Raises OSError where the disk has no room for all of it: it can be mapped and written then.
        """
        header: dict[str, Any] = {_METADATA: dict(metadata)}
        end = 0
        for name, tensor in tensors.items():
            header[name] = {**tensor, "data_offsets": [end, end + byte_counts[name]]}
            end += byte_counts[name]
        encoded = json.dumps(header).encode()
        encoded += b" " * (-len(encoded) % 8)
        with path.open("w+b") as file:
            file.write(len(encoded).to_bytes(_LENGTH_BYTES, "little") + encoded)
            file.flush()
            # Not truncated: a store into a mapped hole of a full disk is a SIGBUS, and not ENOSPC. Where the
            # file system has no such call, the C library writes to each page, and reads it first.
            posix_fallocate(file.fileno(), 0, _LENGTH_BYTES + len(encoded) + end)
        return cls(path, header, _LENGTH_BYTES + len(encoded))

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What the header says in addition to the tensors: texts, in a file that a library has written."""
        found: Mapping[str, Any] = self.header.get(_METADATA, {})
        return found

    @property
    def names(self) -> list[str]:
        """The names of the tensors, in the order of their bytes."""
        names = [name for name in self.header if name != _METADATA]
        return sorted(names, key=lambda name: int(self.header[name]["data_offsets"][0]))

    @property
    def size(self) -> int:
        """The bytes of all tensors."""
        return sum(map(self.byte_count, self.names))

    def byte_count(self, name: str) -> int:
        """Return the bytes of a tensor."""
        begin, end = self.header[name]["data_offsets"]
        return int(end - begin)

    def copy_tensors(self, source: "SafetensorsFile", names: Mapping[str, str]) -> None:
        """Copy tensors of as many bytes from another file, in pieces. `names`: there, and the name here.

        Raises InvalidInput(field='model.id') if the other file has become shorter.
        """
        with source.path.open("rb") as file, self.path.open("r+b") as target:
            for name, new in names.items():
                file.seek(source.offset(name))
                target.seek(self.offset(new))
                left = source.byte_count(name)
                while left:
                    if not (piece := file.read(min(left, _PIECE_BYTES))):
                        raise _damaged(source.path, f"it ends within {name}")
                    target.write(piece)
                    left -= len(piece)

    def offset(self, name: str) -> int:
        """Return where a tensor begins in the file."""
        return self.start + int(self.header[name]["data_offsets"][0])

    def has_elements(self, name: str) -> bool:
        """Whether `elements` can map a tensor: it has some, and they are of a known dtype."""
        tensor = self.header[name]
        return tensor["dtype"] in _BYTES and 0 not in tensor["shape"]

    def elements(self, name: str, mode: Literal["r", "r+"] = "r+") -> np.memmap[Any, Any]:
        """Map a tensor's elements, in its shape, as unsigned integers of their size."""
        shape = tuple(self.header[name]["shape"])
        return np.memmap(
            self.path,
            dtype=f"u{self.byte_count(name) // prod(shape)}",
            mode=mode,
            offset=self.offset(name),
            shape=shape,
        )


def weight_map(files: Iterable[SafetensorsFile], directory: Path) -> dict[str, str]:
    """Return the file of each tensor, relative to `directory`, as an index has it."""
    return {name: file.path.relative_to(directory).as_posix() for file in files for name in file.names}


def _fits(tensor: object, most_bytes: int) -> bool:
    """Whether a tensor of a header is within the bytes of the file, and has as many as its shape takes."""
    match tensor:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)]}:
            pass
        case _:
            return False
    if len(shape) > _MAX_DIMENSIONS or not all(isinstance(count, int) and count >= 0 for count in shape):
        return False
    if not 0 <= begin <= end <= most_bytes:
        return False
    return dtype not in _BYTES or prod(shape) * _BYTES[dtype] == end - begin


def _damaged(path: Path, why: str) -> InvalidInput:
    return InvalidInput(f"{path.name} is damaged: {why}; get the file again", field="model.id")
