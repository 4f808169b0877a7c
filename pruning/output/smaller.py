"""Write the smaller checkpoint after a cut: what is kept is copied from the dense files byte for byte."""

import json
import re
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pruning.checkpoint.checkpoint import Checkpoint
from pruning.checkpoint.files import CONFIG, INDEX
from pruning.errors import InvalidInput
from pruning.models.blocks import find_stack
from pruning.output.in_place import as_stored
from pruning.output.safetensors_file import Renamed, SafetensorsFile, weight_map
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutBlocks, kept_masks, shape_after

# How config.json counts the blocks that predict further tokens: of GLM-4.5 and DeepSeek-V3, which number them
# behind the others; of transformers for these; of Qwen3.5, which calls them `mtp`; of MiniMax.
_FURTHER_COUNTS = ("num_nextn_predict_layers", "num_mtp_layers", "mtp_num_hidden_layers", "num_mtp_modules")
_FURTHER = re.compile(r"(?:.*\.)?mtp[._].*")  # `mtp.layers.0`, `model.mtp_block.0`, `model.mtp_emb_norm.0`
_NUMBERED = re.compile(r"(\d{1,9})\..*", re.ASCII)
_EXPERT = re.compile(r"(.*\.experts\.)(\d+)(\..*)")


def write_smaller(checkpoint: Checkpoint, plan: CutPlan, blocks: CutBlocks, directory: Path) -> None:
    """Write the smaller model into an existing directory, as files of the dense model's names.

    Weights that a repair changed are rounded to the dtype of the file. All others are the dense ones byte for
    byte. One block of the cut is in memory at a time. The config is the plan's; every other file is copied.
    Blocks that predict further tokens, which transformers does not load, are left out: they are not cut.

    Raises InvalidInput(field='model.id') with the name of a file that has changed since it was resolved.
    """
    further = {name: 0 for name in _FURTHER_COUNTS if plan.config.get(name)}
    checkpoint.files.without([*checkpoint.weight_files, CONFIG, INDEX]).copy_to(directory)
    config = checkpoint.config_with({**plan.config, **further})
    (directory / CONFIG).write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    count = len(plan.units[0]) if plan.units else 0
    shapes: dict[str, tuple[int, ...]] = {}
    experts = _RenumberedExperts()
    for index in range(count):
        masks = _masks(checkpoint, plan, blocks, index)
        experts.add(masks)
        shapes |= {name: shape_after(mask) for name, mask in masks.items() if _is_cut(mask)}
    with checkpoint.files.opened() as dense:
        prefix, loaded = _block_prefix(checkpoint), len(find_stack(checkpoint.skeleton).blocks)

        def renamed(name: str) -> str | None:
            of_block = _of_block(name, prefix)
            is_further = _FURTHER.fullmatch(name) or (of_block is not None and of_block >= loaded)
            return None if is_further else experts(name)

        pairs = [
            _Pair(dense / name, directory / name, shapes, renamed)
            for name in checkpoint.weight_files
            if any(renamed(tensor) for tensor in SafetensorsFile.open(dense / name).names)
        ]
        for index in range(count):
            masks = _masks(checkpoint, plan, blocks, index)
            repaired = checkpoint.layout.to_stored(blocks[index].weights)
            for pair in pairs:
                pair.write(masks, repaired)
        _write_index(dense / INDEX, directory / INDEX, pairs)


def _masks(checkpoint: Checkpoint, plan: CutPlan, blocks: CutBlocks, index: int) -> dict[str, Tensor]:
    """Return the kept elements of tensors of a block in files: those that lose some or belong to experts."""
    masks = kept_masks(checkpoint.skeleton, plan.of_block(index), blocks[index])
    return checkpoint.layout.to_stored(masks)


def _is_cut(mask: Tensor) -> bool:
    """Whether a tensor is neither removed nor unchanged."""
    return bool(mask.any()) and not bool(mask.all())


class _RenumberedExperts:
    """The names of tensors in files that have tensors of their own for each expert."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, int]] = {}

    def add(self, masks: Mapping[str, Tensor]) -> None:
        """Record which tensors of a block are kept as a whole, and which are not."""
        left: dict[str, dict[str, bool]] = {}
        for name, mask in masks.items():
            found = _EXPERT.match(name)
            if found is not None:
                left.setdefault(found[1], {})[found[2]] = bool(mask.any())
            elif not mask.any():
                raise InvalidInput(
                    f"nothing would be left of {name}, which is not known to be an expert's",
                    field="structure",
                )
        for prefix, experts in left.items():
            stay = sorted((expert for expert, stays in experts.items() if stays), key=int)
            self._places[prefix] = {expert: place for place, expert in enumerate(stay)}

    def __call__(self, name: str) -> str | None:
        """Return the new name; None for a tensor of a removed expert."""
        found = _EXPERT.match(name)
        if found is None or found[1] not in self._places:
            return name
        place = self._places[found[1]].get(found[2])
        return None if place is None else f"{found[1]}{place}{found[3]}"


def _block_prefix(checkpoint: Checkpoint) -> str | None:
    """Return what precedes the number of the block in the files' names; None if they do not number blocks."""
    parameters = checkpoint.skeleton.state_dict()
    names = []
    for block in find_stack(checkpoint.skeleton).blocks:
        own = [f"{block.name}.{name}" for name, _ in block.module.named_parameters()]
        tensors = {name: torch.empty_like(parameters[name], dtype=torch.bool) for name in own}
        names.append(list(checkpoint.layout.to_stored(tensors)))
    return _common_prefix(names)


def _of_block(name: str, prefix: str | None) -> int | None:
    """Return the number of the block in a tensor's name; None for one of no block."""
    found = _NUMBERED.fullmatch(name.removeprefix(f"{prefix}.")) if name.startswith(f"{prefix}.") else None
    return None if found is None else int(found[1])


def _common_prefix(names: Sequence[Sequence[str]]) -> str | None:
    """Return what precedes the number of the block in all names of tensors, block by block."""
    parts = names[0][0].split(".")
    prefixes = (".".join(parts[:place]) for place, part in enumerate(parts) if part == "0")
    return next(
        (
            prefix
            for prefix in prefixes
            if all(name.startswith(f"{prefix}.{block}.") for block, own in enumerate(names) for name in own)
        ),
        None,
    )


class _Pair:
    """One file of the dense model, and the smaller one of the same name."""

    def __init__(
        self,
        dense: Path,
        smaller: Path,
        shapes: Mapping[str, tuple[int, ...]],
        renamed: Renamed,
    ) -> None:
        """Create the smaller file, with the tensors that the cut does not change."""
        self.dense, self._renamed = SafetensorsFile.open(dense), renamed
        self.smaller = self.dense.create_smaller(smaller, shapes, renamed)
        unchanged = {name: renamed(name) for name in self.dense.names if name not in shapes}
        self.smaller.copy_tensors(
            self.dense, {name: new for name, new in unchanged.items() if new is not None}
        )

    def write(self, masks: Mapping[str, Tensor], repaired: Mapping[str, Tensor]) -> None:
        """Write what `masks` keeps of the tensors of this file, and of those that are repaired."""
        for name in masks.keys() & self.dense.header.keys():
            new = self._renamed(name)
            if new is None or not _is_cut(masks[name]):
                continue
            elements: Any = self.dense.elements(name, "r")
            if name in repaired:
                elements = as_stored(repaired[name], self.dense.header[name]["dtype"], elements)
            target = self.smaller.elements(new)
            target[...] = elements[masks[name].numpy()].reshape(target.shape)
            target.flush()


def _write_index(dense: Path, smaller: Path, pairs: Sequence[_Pair]) -> None:
    """Write the index of a model in several files: the file of each tensor, and their total size."""
    if not dense.exists():
        return
    index = json.loads(dense.read_text())
    files = [pair.smaller for pair in pairs]
    index["weight_map"] = weight_map(files, smaller.parent)
    counted = {
        "total_size": sum(file.size for file in files),
        "total_parameters": sum(prod(file.header[name]["shape"]) for file in files for name in file.names),
    }
    if isinstance(index.get("metadata"), dict):
        index["metadata"] |= {name: value for name, value in counted.items() if name in index["metadata"]}
    smaller.write_text(json.dumps(index, indent=2) + "\n")
