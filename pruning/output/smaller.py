"""Write the smaller checkpoint that a cut leaves: what stays is taken from the dense files byte for byte."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from pruning.checkpoint.checkpoint import Checkpoint
from pruning.checkpoint.files import CONFIG, INDEX
from pruning.output.safetensors_file import SafetensorsFile
from pruning.output.safetensors_inplace import as_stored
from pruning.structure.masks import kept_masks, shape_after
from pruning.structure.plan import CutPlan, config_text
from pruning.structure.results import CutBlocks

_PIECE = 1 << 24


def write_smaller(checkpoint: Checkpoint, plan: CutPlan, blocks: CutBlocks, directory: Path) -> None:
    """Write the smaller model into an existing directory, as files of the dense model's names.

    Weights that a repair changed are rounded to the dtype of the file. All others are the dense ones byte for
    byte. One block of the cut is in memory at a time. The config is the plan's; every other file is copied.

    Raises InvalidInput(field='model.id') with the name of a file that has changed since it was resolved.
    """
    weights = set(checkpoint.weight_files)
    for file in checkpoint.files.files:
        if file.name not in {*weights, CONFIG, INDEX}:
            (directory / file.name).parent.mkdir(parents=True, exist_ok=True)
            with file.opened() as path:
                shutil.copyfile(path, directory / file.name)
    (directory / CONFIG).write_text(config_text(plan), encoding="utf-8")
    count = len(plan.units[0]) if plan.units else 0
    shapes: dict[str, tuple[int, ...]] = {}
    for index in range(count):
        masks = checkpoint.layout.to_stored(_masks(checkpoint, plan, blocks, index))
        shapes |= {name: shape_after(mask) for name, mask in masks.items()}
    with checkpoint.files.opened() as dense:
        pairs = [_Pair(dense / name, directory / name, shapes) for name in checkpoint.weight_files]
        for index in range(count):
            masks = checkpoint.layout.to_stored(_masks(checkpoint, plan, blocks, index))
            repaired = checkpoint.layout.to_stored(blocks[index].weights)
            for pair in pairs:
                pair.write(masks, repaired)
        if (dense / INDEX).exists():
            _write_index(dense / INDEX, directory / INDEX, sum(pair.smaller.size for pair in pairs))


def _masks(checkpoint: Checkpoint, plan: CutPlan, blocks: CutBlocks, index: int) -> dict[str, Tensor]:
    return kept_masks(checkpoint.skeleton, plan.of_block(index), blocks[index])


class _Pair:
    """One file of the dense model, and the smaller one of the same name."""

    def __init__(self, dense: Path, smaller: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Create the smaller file, with the tensors that the cut leaves as they are."""
        self.dense = SafetensorsFile.open(dense)
        self.smaller = self.dense.create_smaller(smaller, shapes)
        with dense.open("rb") as source, smaller.open("r+b") as target:
            for name in self.dense.names:
                if name in shapes:
                    continue
                source.seek(self.dense.offset(name))
                target.seek(self.smaller.offset(name))
                begin, end = self.dense.header[name]["data_offsets"]
                left = end - begin
                while left:
                    piece = source.read(min(left, _PIECE))
                    target.write(piece)
                    left -= len(piece)

    def write(self, masks: Mapping[str, Tensor], repaired: Mapping[str, Tensor]) -> None:
        """Write what `masks` leaves of the tensors of this file, and of those that are repaired."""
        for name in masks.keys() & self.dense.header.keys():
            elements: Any = self.dense.elements(name, "r")
            if name in repaired:
                elements = as_stored(repaired[name], self.dense.header[name]["dtype"], elements)
            target = self.smaller.elements(name)
            target[...] = elements[masks[name].numpy()].reshape(target.shape)
            target.flush()


def _write_index(dense: Path, smaller: Path, size: int) -> None:
    """Write the index of a model in several files: the names are the same, and the size is another."""
    index = json.loads(dense.read_text())
    if isinstance(index.get("metadata"), dict) and "total_size" in index["metadata"]:
        index["metadata"]["total_size"] = size
    smaller.write_text(json.dumps(index, indent=2) + "\n")
