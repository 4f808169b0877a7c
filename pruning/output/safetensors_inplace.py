"""Write zeros and weights into a safetensors file in place: every other byte stays as it is."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pruning.output.safetensors_file import SafetensorsFile

_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def zero_in_place(path: Path, masks: Mapping[str, Tensor]) -> set[str]:
    """Set the masked elements of the named tensors to +0.0, and return the names that this file holds.

    Zero is all bits zero in every float format, so the format need not be known. No tensor is read into
    memory as a whole.
    """
    file = SafetensorsFile.open(path)
    found = masks.keys() & file.header.keys()
    for name in found:
        elements = file.elements(name)
        np.multiply(elements, ~masks[name].numpy(), out=elements)  # takes a tenth of the time of copyto
        elements.flush()
    return found


def replace_in_place(path: Path, weights: Mapping[str, Tensor]) -> set[str]:
    """Set the named tensors to `weights`, rounded to the dtype in the file, and return the names that this
    file holds.
    """
    file = SafetensorsFile.open(path)
    found = weights.keys() & file.header.keys()
    for name in found:
        elements = file.elements(name)
        rounded = weights[name].to(_DTYPES[file.header[name]["dtype"]]).contiguous()
        elements[...] = rounded.view(torch.uint8).numpy().view(elements.dtype).reshape(elements.shape)
        elements.flush()
    return found
