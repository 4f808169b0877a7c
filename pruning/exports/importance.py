"""Inside a helper: a quantisation, by the importance of each input column where one is given.

Only the proportions inside a matrix count, so the importance of each is scaled to a mean of 1.
"""

import importlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pruning.errors import InvalidInput
from pruning.exports.llama import Floats, quantize, tensor_types
from pruning.exports.types import INPUTS, OUTPUT, ShareStep
from pruning.recipe.exports import GGUF_TYPES

_EXPERT = re.compile(r"(.+\.experts)\.(\d+)(\..+)")
_SMALLEST = 1e-6
"""Of the mean. A column that is never used still has weights, and llama.cpp divides by the sums of some."""


def quantize_file(directory: Path, about: Mapping[str, Any], step: ShareStep) -> dict[str, Any]:
    """Write `about["file"]` as `OUTPUT` of another type, by the vectors in `about["importance"]` if any.

    They are named as the modules in transformers. Returns those that name no tensor of the file, too.
    """
    inputs = directory / INPUTS
    matrices, missing = dict[str, Floats](), list[str]()
    if about["importance"]:
        with np.load(inputs / about["importance"]) as vectors:
            matrices, missing = _matrices(inputs / about["file"], vectors)
        if not matrices:
            raise InvalidInput(
                f"{about['file']} has no tensor of which an importance is given", field="exports"
            )
    quantize(
        inputs / about["file"],
        directory / OUTPUT,
        GGUF_TYPES[about["type"]],
        importance=matrices,
        threads=about["threads"],
        step=step,
    )
    return {"types": tensor_types(directory / OUTPUT), "missing": missing}


def _matrices(file: Path, vectors: Mapping[str, Floats]) -> tuple[dict[str, Floats], list[str]]:
    """Return by tensor the vectors of its experts, (experts, columns), and the modules that name none.

    An expert without one, which no token reached, has ones. Raises InvalidInput for a vector that cannot be
    its tensor's.
    """
    gguf = importlib.import_module("gguf")
    reader = gguf.GGUFReader(file)
    shapes = {tensor.name: tensor.shape.tolist() for tensor in reader.tensors}  # columns first
    name_of = _names(gguf, reader)
    matrices: dict[str, Floats] = {}
    missing = []
    for module, vector in vectors.items():
        expert = _EXPERT.fullmatch(module)
        name = name_of(f"{expert[1]}{expert[3]}" if expert else module)
        if name is None or name not in shapes:
            missing.append(module)
            continue
        columns, experts = shapes[name][0], (*shapes[name][2:], 1)[0]
        place = int(expert[2]) if expert else 0
        if vector.shape != (columns,) or place >= experts:
            raise InvalidInput(
                f"{module} has an importance of the shape {vector.shape}, but {columns} columns",
                field="exports",
            )
        if name not in matrices:
            matrices[name] = np.ones((experts, columns), np.float32)
        matrices[name][place] = _scaled(vector, module)
    return matrices, missing


# Whose inputs the converter may put into another order, as it does for Qwen3.5.
_OTHER_ORDER = ".linear_attn.out_proj"


def _names(gguf: Any, reader: Any) -> Callable[[str], str | None]:  # noqa: ANN401 - llama.cpp's package
    """Return what gives the name of a tensor's weight by that of the module in transformers."""
    architecture = reader.fields["general.architecture"].contents()
    blocks = reader.fields[f"{architecture}.block_count"].contents()
    kind = next(kind for kind, name in gguf.MODEL_ARCH_NAMES.items() if name == architecture)
    known = gguf.get_tensor_name_map(kind, blocks)

    def name_of(module: str) -> str | None:
        if module.endswith(_OTHER_ORDER):
            return None
        name = known.get_name(module)
        return f"{name}.weight" if name else None

    return name_of


def _scaled(vector: Floats, module: str) -> Floats:
    values = vector.astype(np.float64)
    if not np.isfinite(values).all() or (values < 0).any():
        raise InvalidInput(f"{module} has an importance that is negative or not finite", field="exports")
    mean = values.mean()
    return (
        np.maximum(values / mean, _SMALLEST).astype(np.float32)
        if mean > 0
        else np.ones_like(vector, np.float32)
    )
