"""Apply the cut of an earlier report to another checkpoint of the same family, or to a LoRA adapter for it.

The same blocks and units are taken out, and nothing is repaired: what stays is byte for byte what was there.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from pruning.checkpoint.checkpoint import resolve_directory
from pruning.checkpoint.files import read_json
from pruning.errors import InvalidInput
from pruning.models.blocks import find_stack
from pruning.output.directory import atomic_directory
from pruning.output.safetensors_file import SafetensorsFile
from pruning.output.smaller import write_shorter, write_smaller
from pruning.recipe import UNIT_KINDS, StructureOptions, UnitName
from pruning.report import DepthFacts, Report, StructureFacts
from pruning.structure.depth import DepthPlan
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutBlock, CutInMemory, numbers_in

_ADAPTER_CONFIG, _ADAPTER = "adapter_config.json", "adapter_model.safetensors"
_MAX_BLOCKS = 10_000  # that a model may have: an adapter does not say
# Fields of an adapter's config that may name layers of single blocks, and a block's number in such a name.
_NAMES_LAYERS = ("rank_pattern", "alpha_pattern", "target_modules", "exclude_modules")
_NUMBER = re.compile(r"\.\d+\\*\.")

# Which units a layer of this name writes or reads; an adapter has its own tensors for each layer.
_WRITES: Mapping[str, UnitName] = {
    name: kind.name
    for kind in UNIT_KINDS.values()
    for reader in kind.readers
    for name in reader.writers
    if name not in kind.fused_writers
}
_READS: Mapping[str, UnitName] = {
    reader.name: kind.name for kind in UNIT_KINDS.values() for reader in kind.readers
}
# Layers that write units of several parts one after the other, whose sizes no report has.
_FUSED: Mapping[str, UnitName] = {
    name: kind.name for kind in UNIT_KINDS.values() for name in kind.fused_writers
}
# Attention layers of families that lose no KV heads.
_NEITHER = frozenset({"query_key_value", "c_attn", "attn.c_proj"})

Kept = Mapping[tuple[int, UnitName], str]
"""The units that are left, by block and kind, as the report writes them."""

Positions = Mapping[str, tuple[int, list[int]]]
"""By the name of a tensor, the dimension that holds units, and which of them are kept."""


def cut_like(report: Report, source: Path, output: Path) -> None:
    """Remove the units from `source` that a run removed from its model, and write the result.

    Parameters
    ----------
    report
        Of a run with `structure`.
    source
        The directory of a checkpoint of the same family and widths, or of a LoRA adapter (peft) for the dense
        model, in safetensors.
    output
        A directory, which must not exist; it appears complete or not at all.

    Raises
    ------
    InvalidInput
        With field 'like', for a report without `structure`, of other widths or of units that the model lacks;
        with field 'model.id', for a directory that holds neither, or an adapter with links or with
        tensors of unknown layers; with field 'output', where the output exists.
    """
    facts = report.structure
    if facts is None or not (facts.units or facts.depth):
        raise InvalidInput("the report is of a run that took nothing out of its model", field="like")
    kept = {(block.block, block.kind): block.kept for block in facts.blocks}
    with atomic_directory(output) as directory:
        if (source / _ADAPTER_CONFIG).is_file():
            _cut_adapter(facts, kept, source, directory)
        elif facts.depth is None:
            _cut_units(facts, kept, source, directory)
        elif not facts.units:
            _cut_blocks(facts.depth, source, directory)
        else:
            with TemporaryDirectory(prefix=f".{output.name}.", dir=directory.parent) as shorter:
                _cut_blocks(facts.depth, source, Path(shorter))
                _cut_units(facts, kept, Path(shorter), directory)


def _cut_blocks(facts: DepthFacts, source: Path, directory: Path) -> None:
    checkpoint = resolve_directory(source, scratch=directory.parent)
    skeleton, config = checkpoint.skeleton, checkpoint.config_values
    blocks = len(find_stack(skeleton).blocks)
    if blocks != facts.dense:
        raise InvalidInput(
            f"the report is of a model with {facts.dense} blocks, and this one has {blocks}", field="like"
        )
    kept = _blocks_left(facts, blocks)
    removed = blocks - len(kept)
    if removed == 0:
        raise InvalidInput("the report's model has lost blocks, and names all of them as left", field="like")
    plan = DepthPlan.of(StructureOptions(blocks=removed), skeleton, config)
    plan.refuse_unbuildable(kept)
    write_shorter(checkpoint, plan.config(kept), kept, directory)


def _cut_units(facts: StructureFacts, kept: Kept, source: Path, directory: Path) -> None:
    checkpoint = resolve_directory(source, scratch=directory.parent)
    counts = {unit.kind: unit.dense - unit.kept for unit in facts.units}
    try:
        options = StructureOptions.model_validate(counts)
    except ValidationError as error:
        raise _no_cut(error) from error
    plan = CutPlan.of(options, checkpoint.skeleton, checkpoint.config_values)
    blocks = CutInMemory()
    for unit, own in zip(plan.plans, plan.units, strict=True):
        dense = next(one.dense for one in facts.units if one.kind == unit.kind)
        with_units = [index for index, units in enumerate(own) if units is not None]
        if unit.dense != dense or any((index, unit.kind) not in kept for index in with_units):
            cut = len({block for block, _ in kept})
            raise InvalidInput(
                f"the report is of a model with {dense} {unit.kind} in each of {cut} blocks, and this one "
                f"has {unit.dense} in each of {len(own)}",
                field="like",
            )
    for index in range(len(plan.units[0])):
        of_block = {
            unit.kind: torch.tensor(_numbers(kept, index, unit.kind, own.count))
            for unit, own in plan.of_block(index)
        }
        blocks.put(index, CutBlock(of_block, {}))
    write_smaller(checkpoint, plan, blocks, directory)


def _no_cut(error: ValidationError) -> InvalidInput:
    """Say which numbers of a report are those of no cut."""
    first = error.errors()[0]
    kind, taken = first["loc"][0], first["input"]
    return InvalidInput(
        f"the report takes {taken} {kind} out of each block, which no cut does ({first['msg'].lower()}); "
        "give the pruning_report.json of a run with structure, as it was written",
        field="like",
    )


def _cut_adapter(facts: StructureFacts, kept: Kept, source: Path, directory: Path) -> None:
    _refuse_links(source)
    config = read_json(source / _ADAPTER_CONFIG)
    if config.get("peft_type") != "LORA" or not (source / _ADAPTER).is_file():
        raise InvalidInput(
            f"an adapter must be a LoRA of peft, with its weights in {_ADAPTER}", field="model.id"
        )
    names = [json.dumps(config.get(field)) for field in _NAMES_LAYERS]
    if facts.depth is not None and (config.get("layers_to_transform") or any(map(_NUMBER.search, names))):
        raise InvalidInput(
            f"{_ADAPTER_CONFIG} names single blocks, and some are removed; merge the adapter into its model, "
            "and cut that like the report",
            field="model.id",
        )
    for path in source.iterdir():
        if path.is_file() and path.name != _ADAPTER:
            shutil.copyfile(path, directory / path.name)
    dense = SafetensorsFile.open(source / _ADAPTER)
    # Without elements a tensor takes no bytes, and could claim more units than memory holds.
    if none := next((name for name in dense.names if not dense.has_elements(name)), None):
        raise InvalidInput(
            f"{_ADAPTER} is damaged: {none} has no elements, or of an unknown dtype", field="model.id"
        )
    renamed = _Renumbered(facts.depth)
    positions = {
        name: found
        for name in dense.names
        if (new := renamed(name)) and (found := _positions(name, new, dense, facts, kept))
    }
    _write_adapter(dense, renamed, positions, directory / _ADAPTER)


class _Renumbered:
    """The names of an adapter's tensors for the blocks that are left."""

    def __init__(self, depth: DepthFacts | None) -> None:
        self._places: dict[int, int] | None = None
        if depth is not None:
            self._dense = min(depth.dense, _MAX_BLOCKS)
            self._places = {block: place for place, block in enumerate(_blocks_left(depth, self._dense))}

    def __call__(self, name: str) -> str | None:
        """Return the new name; None for a tensor of a removed block."""
        block = _block_of(name)
        if self._places is None or block is None:
            return name
        if block >= self._dense:
            raise InvalidInput(
                f"{name} is of block {block}, where the report's model has {self._dense} blocks", field="like"
            )
        place = self._places.get(block)
        return None if place is None else re.sub(rf"(?<=\.){block}(?=\.)", str(place), name, count=1)


def _write_adapter(dense: SafetensorsFile, renamed: _Renumbered, positions: Positions, path: Path) -> None:
    """Write the kept part of each tensor, one after the other."""
    shapes = {}
    for name, (dimension, places) in positions.items():
        shape = list(dense.header[name]["shape"])
        shape[dimension] = len(places)
        shapes[name] = shape
    smaller = dense.create_smaller(path, shapes, renamed)
    for name in dense.names:
        if (new := renamed(name)) is None:
            continue
        elements: Any = dense.elements(name, "r")
        if name in positions:
            dimension, places = positions[name]
            elements = np.take(elements, places, axis=dimension)
        target = smaller.elements(new)
        target[...] = elements
        target.flush()


def _block_of(name: str) -> int | None:
    """Return the number in an adapter's name of a tensor, which is the block's."""
    return next((int(part) for part in name.split(".") if part.isdecimal()), None)


def _blocks_left(facts: DepthFacts, blocks: int) -> list[int]:
    try:
        return numbers_in(facts.kept, below=blocks)
    except ValueError as error:
        raise InvalidInput(
            f"the blocks that the report keeps are not blocks of the model: {error}", field="like"
        ) from error


def _positions(
    name: str, new: str, dense: SafetensorsFile, facts: StructureFacts, kept: Kept
) -> tuple[int, list[int]] | None:
    """Return the dimension of an adapter's tensor that holds units, and what is kept of it, if one does.

    `…layers.3.mlp.up_proj.lora_B.weight`: B (outputs, rank) writes units, A (rank, inputs) reads them. `new`:
    the name for the blocks that are left, which `kept` counts.
    Raises InvalidInput for a tensor of a block of which it is not known whether it holds units.
    """
    parts, block = new.split("."), _block_of(new)
    if block is None or not facts.units:
        return None
    which = next((number for number, part in enumerate(parts) if part in ("lora_A", "lora_B")), None)
    if which is None:
        raise _unknown(name)
    layer, dimension = parts[which - 1], 1 if parts[which] == "lora_A" else 0
    if layer == "c_proj" and parts[which - 2] != "mlp":  # GPT-2 calls two layers of a block so
        layer = ".".join(parts[which - 2 : which])
    if any(not UNIT_KINDS[one.kind].opaque_adapter_modules.isdisjoint(parts) for one in facts.units):
        raise _unknown(name)
    is_cut_in_parts = dimension == 0 and any(one.kind == _FUSED.get(layer) for one in facts.units)
    if is_cut_in_parts or layer not in {*_WRITES, *_READS, *_FUSED, *_NEITHER}:
        raise _unknown(name)
    kind = (_READS if dimension == 1 else _WRITES).get(layer)
    unit = next((one for one in facts.units if one.kind == kind), None)
    if kind is None or unit is None:
        return None
    shape = dense.header[name]["shape"]
    if dimension >= len(shape):
        raise InvalidInput(f"{_ADAPTER} is damaged: {name} is not a matrix of a LoRA", field="model.id")
    size = int(shape[dimension])
    is_width = UNIT_KINDS[kind].is_width
    fits = size == unit.dense if is_width else 0 < unit.dense <= size and size % unit.dense == 0
    if not fits or (block, kind) not in kept:
        raise InvalidInput(
            f"{name} has {size} features, where the report's model has {unit.dense} {kind}", field="like"
        )
    width, numbers = size // unit.dense, _numbers(kept, block, kind, unit.dense)
    return dimension, [number * width + place for number in numbers for place in range(width)]


def _unknown(name: str) -> InvalidInput:
    return InvalidInput(
        f"it is not known which units {name} of the adapter holds; merge the adapter into its model, and cut "
        "that like the report",
        field="model.id",
    )


def _numbers(kept: Kept, block: int, kind: UnitName, dense: int) -> list[int]:
    """Return which units of a block are left. `dense` is how many the model has, not what a report claims."""
    try:
        return numbers_in(kept[block, kind], below=dense)
    except ValueError as error:
        raise InvalidInput(f"the {kind} of block {block} are not units: {error}", field="like") from error


def _refuse_links(source: Path) -> None:
    """Raise InvalidInput for a link: the author of an adapter must not choose which files are copied."""
    link = next((path.name for path in sorted(source.iterdir()) if path.is_symlink()), None)
    if link is not None:
        raise InvalidInput(
            f"{link!r} in the adapter is a link, and links are not followed; where you trust what it names, "
            "give a copy made with `cp -rL`",
            field="model.id",
        )
