"""The results of a cut, block by block: as shards in the resume store, as masks, and as text for reports."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from safetensors import safe_open
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.routed_tokens import RoutedTokens
from pruning.recipe import Stage, UnitName
from pruning.resume.hashed_file import HashedFile, save_tensors
from pruning.resume.store import ActivationCheckpoint, NumericsKey, ResumeStore
from pruning.structure.plan import UnitPlan
from pruning.structure.units import Units


def ranges(numbers: Sequence[int]) -> str:
    """Return ascending numbers as text, such as `0-5,7,9-12`."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in _runs(numbers))


def numbers_in(text: str, *, below: int) -> list[int]:
    """Undo `ranges`.

    Raises ValueError for a text that is not of that form, not ascending, or with a number from `below` on.
    """
    numbers: list[int] = []
    for run in text.split(",") if text else ():
        start, _, end = run.partition("-")
        first, last = int(start), int(end or start)
        # Before they are listed: a short text can name more numbers than any memory holds.
        if last >= below:
            raise ValueError(f"the numbers must be below {below}")
        if last < first or (numbers and first <= numbers[-1]):
            raise ValueError("the numbers do not ascend")
        numbers += range(first, last + 1)
    return numbers


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for end in range(1, len(numbers) + 1):
        if end == len(numbers) or numbers[end] != numbers[end - 1] + 1:
            yield numbers[start], numbers[end - 1]
            start = end


_KEPT, _WEIGHT = "kept/", "weight/"
_WARNINGS, _ROUTED = "warnings", "routed"


@dataclass(frozen=True)
class CutBlock:
    """The units that a block keeps, and the repaired weights."""

    kept: Mapping[UnitName, Tensor]  # the units that are left, int64, in ascending order
    # By parameter name, in the dense shape and the dtype of the computation, on the CPU: the repaired weights
    # of the layers that read the units, zero for removed ones. Empty where nothing is repaired.
    weights: Mapping[str, Tensor]
    warnings: tuple[str, ...] = ()
    routed: RoutedTokens = ()  # of a mixture of datasets, where the block has experts

    def rounded(self, dtype: torch.dtype) -> "CutBlock":
        """Return the block with its weights as a file of `dtype` holds them."""
        return replace(self, weights={name: weight.to(dtype) for name, weight in self.weights.items()})

    def apply_to(self, units: Sequence[tuple[UnitPlan, Units]]) -> None:
        """Mask the removed units, in place, in the block of the dense shape that these units are of."""
        for _, own in units:
            repaired = {layer.parameter_name: layer.parameter for layer in own.readers}
            for name in repaired.keys() & self.weights.keys():
                repaired[name].detach().copy_(self.weights[name])
            own.mask(own.removed(self.kept[own.kind]))


class CutBlocks(Protocol):
    """The finished blocks of one cut, by number."""

    activation_checkpoint: ActivationCheckpoint
    """The hidden states of the calibration windows before a block."""

    def __contains__(self, block: object) -> bool:
        """Whether the block is finished."""

    def __getitem__(self, block: int) -> CutBlock:
        """A finished block."""

    def put(self, block: int, cut: CutBlock) -> None:
        """Store a block; it is finished when this returns."""


class StoredCut:
    """One shard per block: written when the block is finished, read on access, never held in memory."""

    def __init__(self, resume_store: ResumeStore, numerics_key: NumericsKey) -> None:
        """Begin the stage; blocks that were finished under the same key count as finished."""
        self._resume_store = resume_store
        self._files = dict(resume_store.begin(Stage.CUT, numerics_key))
        self.activation_checkpoint = resume_store.activation_checkpoint(Stage.CUT)

    def complete(self, count: int) -> bool:
        """Whether blocks 0 to `count` - 1 are finished."""
        return all(block in self for block in range(count))

    def __contains__(self, block: object) -> bool:
        return block in self._files

    def __getitem__(self, block: int) -> CutBlock:
        return _read(self._files[block].path)

    def put(self, block: int, cut: CutBlock) -> None:
        """Write the shard and make it durable."""
        file = _write(cut, self._resume_store.directory(Stage.CUT) / f"{block:05}.safetensors")
        self._resume_store.commit(Stage.CUT, block, file)
        self._files[block] = file


def _write(cut: CutBlock, path: Path) -> HashedFile:
    """Write `kept/<kind>` and `weight/<parameter>`; the metadata holds the rest."""
    tensors = {f"{_KEPT}{kind}": kept for kind, kept in cut.kept.items()}
    tensors |= {f"{_WEIGHT}{name}": weight for name, weight in cut.weights.items()}
    return save_tensors(tensors, path, {_WARNINGS: json.dumps(cut.warnings), _ROUTED: json.dumps(cut.routed)})


def _read(path: Path) -> CutBlock:
    with safe_open(path, framework="pt") as file:
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safetensors' files cannot be iterated
        warnings = tuple(json.loads(file.metadata()[_WARNINGS]))
        routed = tuple(map(tuple, json.loads(file.metadata()[_ROUTED])))
    kept = {
        name.removeprefix(_KEPT): tensor.to(torch.int64)
        for name, tensor in tensors.items()
        if name.startswith(_KEPT)
    }
    weights = {
        name.removeprefix(_WEIGHT): tensor for name, tensor in tensors.items() if name.startswith(_WEIGHT)
    }
    return CutBlock(kept, weights, warnings, routed)


def kept_masks(
    skeleton: PreTrainedModel, units_of_block: Sequence[tuple[UnitPlan, Units]], cut: CutBlock
) -> dict[str, Tensor]:
    """Return which elements of a block's parameters are kept, bool in the dense shape, by parameter name.

    Only of parameters that lose some. `skeleton`: the dense model, which may be without weights.
    """
    parameters = skeleton.state_dict()
    masks: dict[str, Tensor] = {}
    for _, own in units_of_block:
        removed = own.removed(cut.kept[own.kind])
        for place, units in own.places(removed):
            mask = masks.setdefault(
                place.parameter, torch.ones(parameters[place.parameter].shape, dtype=torch.bool)
            )
            place.of(mask).index_fill_(place.dimension, place.positions(units), False)
    return masks


def shape_after(mask: Tensor) -> tuple[int, ...]:
    """Return the shape of the kept elements: of the first dimension, and along the others of each line.

    Experts that are stacked may each keep other channels, but as many.
    """
    first = mask.flatten(1).any(dim=1) if mask.ndim > 1 else mask
    others = (int(mask.sum(dim=dimension).max()) for dimension in range(1, mask.ndim))
    return (int(first.sum()), *others)


def taken(tensor: Tensor, mask: Tensor) -> Tensor:
    """Return the kept elements of a tensor, in its order: (…) of `shape_after`."""
    return tensor[mask].view(shape_after(mask))
