"""The layout of a safetensors file, for writing tensors without holding the file in memory.

A file is the length of its header (8 bytes, little-endian), the header (JSON), and the tensors' bytes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

_LENGTH_BYTES = 8
_METADATA = "__metadata__"

Renamed = Callable[[str], str | None]
"""Returns the new name of a tensor, or None for one that is left out."""


@dataclass(frozen=True)
class SafetensorsFile:
    """A file whose tensors are written in place; its names, shapes, dtypes and order stay as they are."""

    path: Path
    header: Mapping[str, Any]  # by tensor: dtype, shape, data_offsets
    start: int  # of the tensors' bytes in the file

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the header of an existing file."""
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            header = json.loads(file.read(length))
        return cls(path, header, _LENGTH_BYTES + length)

    @classmethod
    def create(cls, path: Path, byte_counts: Mapping[str, int], metadata: Mapping[str, str]) -> Self:
        """Write a file of zeros for one-dimensional tensors of bytes, in the order given."""
        tensors = {name: {"dtype": "U8", "shape": [count]} for name, count in byte_counts.items()}
        return cls._create(path, tensors, byte_counts, metadata)

    def create_smaller(
        self, path: Path, shapes: Mapping[str, Sequence[int]], renamed: Renamed = lambda name: name
    ) -> Self:
        """Write a file of zeros for the same tensors, in the same order, some of other `shapes`.

        `renamed`: returns the name of a tensor there, or None for one that is left out.
        """
        metadata = self.header.get(_METADATA, {})
        tensors, byte_counts = {}, {}
        for old in self.names:
            own, name = self.header[old], renamed(old)
            if name is None:
                continue
            begin, end = own["data_offsets"]
            shape = list(shapes.get(old, own["shape"]))
            tensors[name] = {"dtype": own["dtype"], "shape": shape}
            size = (end - begin) // max(1, prod(own["shape"]))
            byte_counts[name] = prod(shape) * size
        return type(self)._create(path, tensors, byte_counts, metadata)

    @classmethod
    def _create(
        cls,
        path: Path,
        tensors: Mapping[str, Mapping[str, Any]],
        byte_counts: Mapping[str, int],
        metadata: Mapping[str, str],
    ) -> Self:
        header: dict[str, Any] = {_METADATA: dict(metadata)}
        end = 0
        for name, tensor in tensors.items():
            header[name] = {**tensor, "data_offsets": [end, end + byte_counts[name]]}
            end += byte_counts[name]
        encoded = json.dumps(header).encode()
        encoded += b" " * (-len(encoded) % 8)
        with path.open("wb") as file:
            file.write(len(encoded).to_bytes(_LENGTH_BYTES, "little") + encoded)
            file.truncate(_LENGTH_BYTES + len(encoded) + end)
        return cls(path, header, _LENGTH_BYTES + len(encoded))

    @property
    def names(self) -> list[str]:
        """The names of the tensors, in the order of their bytes."""
        names = [name for name in self.header if name != _METADATA]
        return sorted(names, key=lambda name: int(self.header[name]["data_offsets"][0]))

    @property
    def size(self) -> int:
        """The bytes of all tensors."""
        return sum(end - begin for begin, end in (self.header[name]["data_offsets"] for name in self.names))

    def offset(self, name: str) -> int:
        """Return where a tensor begins in the file."""
        return self.start + int(self.header[name]["data_offsets"][0])

    def elements(self, name: str, mode: Literal["r", "r+"] = "r+") -> np.memmap[Any, Any]:
        """Map a tensor's elements, in its shape, as unsigned integers of their size."""
        begin, end = self.header[name]["data_offsets"]
        shape = tuple(self.header[name]["shape"])
        return np.memmap(
            self.path,
            dtype=f"u{(end - begin) // prod(shape)}",
            mode=mode,
            offset=self.offset(name),
            shape=shape,
        )
