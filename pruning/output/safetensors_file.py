"""The layout of a safetensors file, for writing tensors without holding the file in memory.

A file is the length of its header (8 bytes, little-endian), the header (JSON), and the tensors' bytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Self

import numpy as np

_LENGTH_BYTES = 8
_METADATA = "__metadata__"


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
        header: dict[str, Any] = {_METADATA: dict(metadata)}
        end = 0
        for name, count in byte_counts.items():
            header[name] = {"dtype": "U8", "shape": [count], "data_offsets": [end, end + count]}
            end += count
        encoded = json.dumps(header).encode()
        encoded += b" " * (-len(encoded) % 8)
        with path.open("wb") as file:
            file.write(len(encoded).to_bytes(_LENGTH_BYTES, "little") + encoded)
            file.truncate(_LENGTH_BYTES + len(encoded) + end)
        return cls(path, header, _LENGTH_BYTES + len(encoded))

    def offset(self, name: str) -> int:
        """Return where a tensor begins in the file."""
        return self.start + int(self.header[name]["data_offsets"][0])

    def elements(self, name: str) -> np.memmap[Any, Any]:
        """Map a tensor's elements, in its shape, as unsigned integers of their size."""
        begin, end = self.header[name]["data_offsets"]
        shape = tuple(self.header[name]["shape"])
        return np.memmap(
            self.path,
            dtype=f"u{(end - begin) // prod(shape)}",
            mode="r+",
            offset=self.offset(name),
            shape=shape,
        )
