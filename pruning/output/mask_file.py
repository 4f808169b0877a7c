"""The masks of a pruned model as a file of their own; see pruning.masks.packed for its format."""

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

from torch import Tensor

from pruning.masks.packed import SHAPES, packed
from pruning.output.safetensors_file import SafetensorsFile


class MaskFile:
    """A safetensors file of packed masks, written in any order."""

    def __init__(self, path: Path, shapes: Mapping[str, Sequence[int]]) -> None:
        """Create the file for masks of these names and shapes. It is complete once all are written."""
        byte_counts = {name: -(-prod(shapes[name]) // 8) for name in sorted(shapes)}
        listed = {name: list(shape) for name, shape in shapes.items()}
        self._file = SafetensorsFile.create(path, byte_counts, {SHAPES: json.dumps(listed)})

    def write(self, masks: Mapping[str, Tensor]) -> None:
        """Write some of the masks: bool, True where a weight is pruned."""
        # Not mapped: the file is sparse, and a full disk must raise OSError and not end the process.
        with self._file.path.open("r+b") as file:
            for name, mask in masks.items():
                file.seek(self._file.offset(name))
                file.write(packed(mask).numpy().tobytes())
