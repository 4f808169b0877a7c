"""Inside a helper: the importance of each input column of linear layers, as llama.cpp takes it.

It is a file that `llama-imatrix` writes and `llama-quantize` reads (`--imatrix`): for each tensor the sums of
squares of its inputs and how many they are of, by expert where there are several. Only the proportions inside
a matrix count, so each is written with a mean of 1, and as a sum of one.
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

_SUMS, _COUNTS = ".in_sum2", ".counts"
_EXPERT = re.compile(r"(.+\.experts)\.(\d+)(\..+)")
_SMALLEST = 1e-6
"""Of the mean. A column that is never used still has weights, and llama.cpp divides by the sums of some."""


def write_matrix(directory: Path, about: Mapping[str, Any], step: ShareStep) -> dict[str, Any]:
    """Write `OUTPUT` for the GGUF file `about["file"]`, from the vectors in `about["importance"]`.

    They are named as the modules in transformers. Returns those that name no tensor of the file.
    """
    gguf = importlib.import_module("gguf")
    inputs = directory / INPUTS
    with np.load(inputs / about["importance"]) as vectors:
        matrices, missing = _matrices(gguf, inputs / about["file"], vectors)
    if not matrices:
        raise InvalidInput(f"{about['file']} has no tensor of which an importance is given", field="exports")
    writer = gguf.GGUFWriter(str(directory / OUTPUT), "imatrix")
    writer.add_type("imatrix")
    writer.add_array("imatrix.datasets", [about["origin"]])
    writer.add_uint32("imatrix.chunk_count", 1)
    writer.add_uint32("imatrix.chunk_size", 1)
    for name, sums in sorted(matrices.items()):
        writer.add_tensor(f"{name}{_SUMS}", sums)
        writer.add_tensor(f"{name}{_COUNTS}", np.any(sums, axis=1, keepdims=True).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    step(1.0)
    return {"missing": missing}


def quantize_file(directory: Path, about: Mapping[str, Any], step: ShareStep) -> dict[str, Any]:
    """Write `about["file"]` as `OUTPUT` of another type, by an importance matrix if there is one."""
    inputs = directory / INPUTS
    importance = _read_matrices(inputs / about["importance"]) if about["importance"] else {}
    quantize(
        inputs / about["file"],
        directory / OUTPUT,
        GGUF_TYPES[about["type"]],
        importance=importance,
        threads=about["threads"],
        step=step,
    )
    return {"types": tensor_types(directory / OUTPUT)}


def _read_matrices(file: Path) -> dict[str, Floats]:
    """Return what llama.cpp takes: by tensor a mean for each column, or ones where nothing was counted."""
    gguf = importlib.import_module("gguf")
    stored = {tensor.name: tensor.data for tensor in gguf.GGUFReader(file).tensors}
    means = {}
    for name in (name.removesuffix(_SUMS) for name in stored if name.endswith(_SUMS)):
        sums, counts = stored[f"{name}{_SUMS}"], stored[f"{name}{_COUNTS}"].reshape(-1, 1)
        means[name] = np.where(counts > 0, sums / np.maximum(counts, 1), 1).astype(np.float32).ravel()
    return means


def _matrices(
    gguf: Any,  # noqa: ANN401 - llama.cpp's package
    file: Path,
    vectors: Mapping[str, Floats],
) -> tuple[dict[str, Floats], list[str]]:
    """Return by tensor the vectors of its experts, (experts, columns), and the modules that name none.

    Raises InvalidInput for a vector that cannot be its tensor's.
    """
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
        matrices.setdefault(name, np.zeros((experts, columns), np.float32))[place] = _scaled(vector, module)
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
