"""Quantised checkpoints: written again in bfloat16, tensor by tensor, before anything else is done with them.

FP8 with a scale for each block (DeepSeek), MXFP4 (gpt-oss), and compressed-tensors in FP8 or packed integers.
Tensors that are not quantised are copied byte for byte. The arithmetic is in float32 and rounded once.
"""

import json
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from errno import ENOSPC
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from pruning.checkpoint.checkpoint import Checkpoint, Describe, resolve_directory
from pruning.checkpoint.description import quantisation_of
from pruning.checkpoint.files import CONFIG
from pruning.errors import InvalidInput
from pruning.estimate import QUANTISED
from pruning.exports.replaced_tensors import ReplacedTensors, Replacements
from pruning.output.safetensors_file import SafetensorsFile

_FP8, _FORMATS = "F8_E4M3", ("float-quantized", "pack-quantized")
_ROUNDED = ("F8", "F4", "U8", "I8", "I32")  # the beginnings of dtypes that hold codes

Headers = Mapping[str, Mapping[str, Any]]
"""Of each tensor in the files: dtype and shape."""


@dataclass(frozen=True)
class _Weight:
    """A tensor that stands for several: its shape, and how it is computed of these."""

    shape: tuple[int, ...]
    parts: Mapping[str, str]  # by role, the names in the files
    dequantize: Callable[[Mapping[str, Tensor]], Tensor]
    unread: tuple[str, ...] = ()  # names of scales of activations


def dequantized(
    checkpoint: Checkpoint, directory: Path, describe_files: Describe, scratch: Path | None = None
) -> Checkpoint:
    """Write a quantised checkpoint in bfloat16 into a new directory; return it as the one that it is of.

    One tensor is in memory at a time. Raises InvalidInput(field='model.id') for tensors that do not fit each
    other, or of which it is not known what they stand for.
    """
    weights = _weights(checkpoint)
    new = {name: dict[str, Tensor]() for weight in weights.values() for name in _names(weight)}
    for name, weight in weights.items():
        replaced = name if name in new else next(iter(weight.parts.values()))
        new[replaced] = {name: torch.empty(weight.shape, dtype=torch.bfloat16, device="meta")}
    directory.mkdir()
    needed, free = _size_after(checkpoint, new), shutil.disk_usage(directory).free
    if needed > free:
        raise OSError(ENOSPC, f"{needed} bytes are needed for the model in bfloat16, and {free} are free")
    with ReplacedTensors.written(checkpoint, new, directory) as files:
        for name, weight in weights.items():
            parts = {role: files.dense_tensor(part) for role, part in weight.parts.items()}
            files.put({name: weight.dequantize(parts).to(torch.bfloat16)})
    dropped = (*QUANTISED, "torch_dtype")
    config = {key: value for key, value in checkpoint.whole_config.items() if key not in dropped}
    (directory / CONFIG).write_text(json.dumps({**config, "dtype": "bfloat16"}, indent=2) + "\n")
    plain = resolve_directory(directory, scratch=scratch, describe_files=describe_files)
    return replace(
        plain,
        id=checkpoint.id,
        commit=checkpoint.commit,
        digest=checkpoint.digest,
        licence=checkpoint.licence,
        languages=checkpoint.languages,
        quantisation=checkpoint.quantisation,
        originals=checkpoint.frozen,
    )


def _size_after(checkpoint: Checkpoint, new: Replacements) -> int:
    """Return at most how many bytes the weights have in bfloat16."""
    return checkpoint.weight_bytes + sum(tensor.nbytes for own in new.values() for tensor in own.values())


def _names(weight: _Weight) -> Iterator[str]:
    yield from weight.parts.values()
    yield from weight.unread


def _weights(checkpoint: Checkpoint) -> dict[str, _Weight]:
    """Return what is to be computed, by its name. Raises InvalidInput(field='model.id')."""
    settings = quantisation_of(checkpoint.whole_config)
    with checkpoint.frozen.named(checkpoint.weight_files).opened() as directory:
        opened = [SafetensorsFile.open(directory / name) for name in checkpoint.weight_files]
    headers = {name: file.header[name] for file in opened for name in file.names}
    found = dict(_FINDERS[str(settings.get("quant_method"))](headers, settings))
    read = {name for weight in found.values() for name in _names(weight)}
    for name in headers.keys() - read:
        if str(headers[name]["dtype"]).startswith(_ROUNDED):
            raise _refused(f"it is not known how its tensor {name} of {headers[name]['dtype']} is rounded")
    if not found:
        raise _refused("its config.json says so, and no tensor is")
    return found


def _fp8(headers: Headers, settings: Mapping[str, Any]) -> Iterator[tuple[str, _Weight]]:
    """Yield matrices of E4M3, which have a scale for each block of rows and columns."""
    block = settings.get("weight_block_size")
    if block is not None and not (isinstance(block, list) and len(block) == 2 and all(map(_is_size, block))):
        raise _refused("its weight_block_size is not two numbers")
    for scale in (name for name in headers if name.endswith("_scale_inv")):
        name = scale.removesuffix("_scale_inv")
        shape = _shape(headers, name, _FP8)
        if len(shape) < 2 or 0 in shape:
            raise _refused(f"{name} has the shape {shape}")
        # A block past the matrix is as large as that: its scale is repeated in memory.
        blocks = tuple(map(min, block, shape[-2:])) if block else shape[-2:]
        grid = (*shape[:-2], *(-(-size // of) for size, of in zip(shape[-2:], blocks, strict=True)))
        if prod(_shape(headers, scale, "F32", "BF16", "F16", "F8_E8M0")) != prod(grid):
            raise _refused(f"{scale} has not one number for each block of {name}")
        module = name.removesuffix("weight")
        unread = tuple(own for own in (f"{module}activation_scale", f"{module}input_scale") if own in headers)
        parts = {"codes": name, "scales": scale}
        yield name, _Weight(shape, parts, _times_block_scales(grid, blocks), unread)


def _times_block_scales(
    grid: tuple[int, ...], blocks: tuple[int, ...]
) -> Callable[[Mapping[str, Tensor]], Tensor]:
    def dequantize(parts: Mapping[str, Tensor]) -> Tensor:
        weight, scales = parts["codes"].float(), parts["scales"].float().view(grid)
        for dimension, size in zip((-2, -1), blocks, strict=True):
            scales = scales.repeat_interleave(size, dimension).narrow(dimension, 0, weight.shape[dimension])
        return weight.mul_(scales)

    return dequantize


def _mxfp4(headers: Headers, settings: Mapping[str, Any]) -> Iterator[tuple[str, _Weight]]:
    """Yield the experts' matrices, transposed: 16 bytes of two codes each, and an exponent for each 32."""
    for blocks in (name for name in headers if name.endswith("_blocks")):
        name = blocks.removesuffix("_blocks")
        *grid, size = _shape(headers, blocks, "U8") or (0,)
        if len(grid) != 3 or size != 16 or _shape(headers, f"{name}_scales", "U8") != tuple(grid):
            raise _refused(f"{name}_blocks and {name}_scales do not fit each other")
        shape = (grid[0], grid[2] * 32, grid[1])
        parts = {"blocks": blocks, "scales": f"{name}_scales"}
        yield name, _Weight(shape, parts, lambda parts: convert_moe_packed_tensors(**parts))


def _compressed_tensors(headers: Headers, settings: Mapping[str, Any]) -> Iterator[tuple[str, _Weight]]:
    """Yield the matrices of linear modules, as the library itself decompresses them."""
    scheme, decompress = _scheme(settings)
    modules = defaultdict[str, dict[str, str]](dict)
    for name in headers:
        module, _, role = name.rpartition(".")
        modules[module][role] = name
    for module, own in modules.items():
        if "weight_scale" not in own:
            continue
        scale, packed = own["weight_scale"], "weight_packed" in own
        parts = {role: name for role, name in own.items() if role.startswith("weight")}
        shape: tuple[int, ...]
        expected = {"weight_packed", "weight_shape"} if packed else {"weight"}
        if odd := parts.keys() ^ (expected | {"weight_scale"}):
            raise _refused(f"{module}.{sorted(odd)[0]} is missing, or is not known")
        groups = _shape(headers, scale, "F32", "BF16", "F16")
        if packed:
            packed_shape = _shape(headers, parts["weight_packed"], "I32")
            if len(packed_shape) != 2 or 0 in packed_shape:
                raise _refused(f"{parts['weight_packed']} has the shape {packed_shape}")
            if _shape(headers, parts["weight_shape"], "I64", "I32") != (2,):
                raise _refused(f"{parts['weight_shape']} is not two numbers")
            rows, words = packed_shape
            columns = words * 32 // scheme.num_bits
            per_group = scheme.group_size if scheme.group_size and scheme.group_size > 0 else columns
            if groups != (rows, columns // per_group) or columns % per_group:
                raise _refused(f"{scale} has not one number for each group of {scheme.group_size}")
            shape = (rows, columns)
        else:
            shape = _shape(headers, parts["weight"], _FP8)
            if len(shape) != 2 or groups not in ((1,), (shape[0], 1)):
                raise _refused(f"{scale} has neither one number, nor one for each row")
        unread = tuple(name for role, name in own.items() if role in ("input_scale", "input_zero_point"))
        yield f"{module}.weight", _Weight(shape, parts, _decompressed(decompress, shape), unread)


def _decompressed(decompress: Any, shape: tuple[int, ...]) -> Callable[[Mapping[str, Tensor]], Tensor]:  # noqa: ANN401 - of the library
    def dequantize(parts: Mapping[str, Tensor]) -> Tensor:
        wide = {**parts, "weight_scale": parts["weight_scale"].float()}
        if "weight_shape" in wide and wide["weight_shape"].tolist() != list(shape):
            raise _refused(f"a weight of {shape} is packed as one of {wide['weight_shape'].tolist()}")
        try:
            weight: Tensor = decompress(wide)["weight"]
        except Exception as error:  # the library checks settings where it uses them
            raise _refused(f"compressed-tensors does not decompress a weight of {shape}") from error
        return weight

    return dequantize


def _scheme(settings: Mapping[str, Any]) -> tuple[Any, Callable[[dict[str, Tensor]], dict[str, Tensor]]]:
    """Return how all weights are rounded, and the library's function that undoes it."""
    try:
        from compressed_tensors.compressors import BaseCompressor
        from compressed_tensors.quantization import QuantizationScheme
    except ImportError as error:
        raise _refused(
            "compressed-tensors, which reads it, is not installed here: pip install '.[engines]'"
        ) from error
    groups = settings.get("config_groups")
    for field in ("kv_cache_scheme", "sparsity_config", "transform_config"):
        if settings.get(field):
            raise _refused(f"it has a {field}")
    if not isinstance(groups, dict) or len(groups) != 1:
        raise _refused("its config_groups are not one group")
    (group,) = groups.values()
    try:
        scheme = QuantizationScheme.model_validate(group)
    except (ValueError, TypeError) as error:
        raise _refused("compressed-tensors does not accept its config_groups") from error
    form = scheme.format or settings.get("format")
    if form not in _FORMATS or scheme.weights is None or not scheme.weights.symmetric:
        raise _refused(f"its format is not symmetric, or none of {', '.join(_FORMATS)}")
    if form == "pack-quantized" and scheme.weights.num_bits not in (4, 8):
        raise _refused(f"it packs codes of {scheme.weights.num_bits} bits, and 4 and 8 are read")
    compressor = BaseCompressor.get_value_from_registry(form)
    return scheme.weights, lambda tensors: compressor.decompress(tensors, scheme)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _shape(headers: Headers, name: str, *dtypes: str) -> tuple[int, ...]:
    """Return the shape of a tensor. Raises InvalidInput where it is missing, or of another dtype."""
    if name not in headers or headers[name]["dtype"] not in dtypes:
        found = headers[name]["dtype"] if name in headers else "missing"
        raise _refused(f"{name} is {found}, and must be of {' or '.join(dtypes)}")
    return tuple(headers[name]["shape"])


_FINDERS = {"fp8": _fp8, "mxfp4": _mxfp4, "compressed-tensors": _compressed_tensors}


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(
        f"the model's weights are quantised and cannot be dequantised: {reason}; prune the unquantised model",
        field="model.id",
    )
