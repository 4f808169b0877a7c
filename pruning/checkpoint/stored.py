"""The tensors in a checkpoint's weight files, by their headers alone."""

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pruning.checkpoint.files import damaged
from pruning.errors import InvalidInput

# Dtypes of weights that can be pruned; a tensor of another dtype (an index, say) counts as bytes.
_FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def stored_tensors(directory: Path, names: Collection[str]) -> dict[str, Tensor]:
    """Return every tensor in these safetensors files by name, on the meta device: its shape and dtype.

    Only headers are read. Raises InvalidInput(field='model.id') for a file that is damaged, or
    too large to be mapped.
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
        except RuntimeError as error:
            if "unable to mmap" not in str(error):
                raise
            raise InvalidInput(
                f"{name} has {(directory / name).stat().st_size} bytes, which is more than this machine can "
                "map into memory; save the model in smaller files (save_pretrained with max_shard_size), or "
                "use a machine with more memory",
                field="model.id",
            ) from error
    return stored
