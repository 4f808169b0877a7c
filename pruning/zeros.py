"""Zeros written into a safetensors file in place, so that every other byte stays what it was."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

_LENGTH_BYTES = 8


def zero_in_place(path: Path, masks: Mapping[str, Tensor]) -> set[str]:
    """Set the masked elements of the named tensors to +0.0, and return the names that this file holds.

    Zero is all bits zero in every float format, so the format need not be known. The file's names, shapes,
    dtypes, order and metadata stay, and no tensor is read into memory as a whole.
    """
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        header: dict[str, Any] = json.loads(file.read(header_bytes))
    found = masks.keys() & header.keys()
    for name in found:
        begin, end = header[name]["data_offsets"]
        elements = np.memmap(
            path,
            dtype=f"u{(end - begin) // masks[name].numel()}",
            mode="r+",
            offset=_LENGTH_BYTES + header_bytes + begin,
            shape=tuple(header[name]["shape"]),
        )
        np.copyto(elements, 0, where=masks[name].numpy())
        elements.flush()
    return found
