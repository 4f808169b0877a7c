"""The tensors in a checkpoint's weight files, by their headers alone."""

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pruning.checkpoint.files import damaged

# Dtypes of weights that can be pruned; a tensor of another dtype (an index, say) counts as bytes.
_FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def stored_tensors(directory: Path, names: Collection[str]) -> dict[str, Tensor]:
    """Return every tensor in these safetensors files by name, on the meta device: its shape and dtype.

    Only headers are read. Raises InvalidInput(field='model.id') for a damaged file.
    """
    stored: dict[str, Tensor] = {}
    for name in names:
        try:
            with safe_open(directory / name, framework="pt") as tensors:
                for key in tensors.keys():  # noqa: SIM118 - a safe_open is not a mapping
                    header = tensors.get_slice(key)
                    dtype = _FLOATS.get(header.get_dtype(), torch.uint8)
                    stored[key] = torch.empty(header.get_shape(), dtype=dtype, device="meta")
        except (SafetensorError, OSError) as error:
            raise damaged(name) from error
    return stored
