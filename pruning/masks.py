"""Masks as an artifact of their own: one bit per weight, by the names in the checkpoint."""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

FILE_NAME = "masks.safetensors"

_SHAPES = "shapes"


def write_masks(masks: Mapping[str, Tensor], path: Path) -> None:
    """Write bool tensors, True where a weight is pruned, as uint8 tensors of packed bits.

    The bits are in row-major order, the first in each byte's highest bit, the last byte filled with zeros.
    The shapes are in the file's metadata, as JSON under `shapes`.
    """
    packed = {name: torch.from_numpy(np.packbits(mask.numpy())) for name, mask in masks.items()}
    shapes = {name: list(masks[name].shape) for name in sorted(masks)}
    # Through bytes: save_file would make the file its owner's alone.
    path.write_bytes(save(packed, metadata={_SHAPES: json.dumps(shapes)}))


def read_masks(path: Path) -> dict[str, Tensor]:
    """What `write_masks` was given."""
    with safe_open(path, framework="np") as file:
        shapes = json.loads(file.metadata()[_SHAPES])
        return {name: _unpacked(file.get_tensor(name), shape) for name, shape in shapes.items()}


def _unpacked(bits: np.ndarray, shape: list[int]) -> Tensor:
    flat = np.unpackbits(bits, count=prod(shape)).view(np.bool_)
    return torch.from_numpy(flat.reshape(shape))
