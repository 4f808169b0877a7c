"""Weights and zeros written into a safetensors file in place, so that every other byte stays what it was."""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

_LENGTH_BYTES = 8
_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def zero_in_place(path: Path, masks: Mapping[str, Tensor]) -> set[str]:
    """Set the masked elements of the named tensors to +0.0, and return the names that this file holds.

    Zero is all bits zero in every float format, so the format need not be known. The file's names, shapes,
    dtypes, order and metadata stay, and no tensor is read into memory as a whole.
    """
    file = _SafetensorsFile(path)
    found = masks.keys() & file.header.keys()
    for name in found:
        elements = file.elements(name)
        np.multiply(elements, ~masks[name].numpy(), out=elements)  # a tenth of copyto's time
        elements.flush()
    return found


def replace_in_place(path: Path, weights: Mapping[str, Tensor]) -> set[str]:
    """Set the named tensors to `weights`, rounded to the dtype that the file has, and return the names that
    this file holds.

    The file's names, shapes, dtypes, order and metadata stay.
    """
    file = _SafetensorsFile(path)
    found = weights.keys() & file.header.keys()
    for name in found:
        elements = file.elements(name)
        rounded = weights[name].to(_DTYPES[file.header[name]["dtype"]]).contiguous()
        elements[...] = rounded.view(torch.uint8).numpy().view(elements.dtype).reshape(elements.shape)
        elements.flush()
    return found


class _SafetensorsFile:
    """Where the tensors of a file lie in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            self.header: dict[str, Any] = json.loads(file.read(header_bytes))
        self._data = _LENGTH_BYTES + header_bytes

    def elements(self, name: str) -> np.memmap[Any, Any]:
        """A tensor's elements as unsigned integers of their size, in its shape; to read and to write."""
        begin, end = self.header[name]["data_offsets"]
        shape = tuple(self.header[name]["shape"])
        return np.memmap(
            self._path,
            dtype=f"u{(end - begin) // prod(shape)}",
            mode="r+",
            offset=self._data + begin,
            shape=shape,
        )
