"""The results of a cut, block by block, and their shards in the resume store of a run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, takewhile
from pathlib import Path
from typing import Protocol

import torch
from safetensors import safe_open
from torch import Tensor

from pruning.recipe import Stage, UnitName
from pruning.resume.hashed_file import HashedFile, save_tensors
from pruning.resume.store import ActivationCheckpoint, NumericsKey, ResumeStore
from pruning.structure.drop import Drop
from pruning.structure.plan import UnitPlan
from pruning.structure.units import Units

_KEPT, _WEIGHT = "kept/", "weight/"
_BLOCK, _DIVERGENCE = "block", "divergence"
_WARNINGS = "warnings"


@dataclass(frozen=True)
class CutBlock:
    """What is left of a block."""

    kept: Mapping[UnitName, Tensor]  # the units that are left, int64, in ascending order
    # By parameter name, in the dense shape and the dtype of the computation, on the CPU: the repaired weights
    # of the layers that read the units, zero for those that are gone. Empty where nothing is repaired.
    weights: Mapping[str, Tensor]
    warnings: tuple[str, ...] = ()

    def rounded(self, dtype: torch.dtype) -> "CutBlock":
        """Return the block with its weights as a file of `dtype` holds them."""
        return replace(self, weights={name: weight.to(dtype) for name, weight in self.weights.items()})

    def apply_to(self, units: Sequence[tuple[UnitPlan, Units]]) -> None:
        """Mask the units that are gone, in place, in the block of the dense shape that these units are of."""
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


class CutInMemory(dict[int, CutBlock]):
    """Blocks in memory, of a run that cannot be resumed."""

    def __init__(self) -> None:
        super().__init__()
        self.activation_checkpoint = ActivationCheckpoint(None, {})

    def put(self, block: int, cut: CutBlock) -> None:
        self[block] = cut


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


class StoredDrops:
    """One shard per removed block, in their order.

    They belong to the same stage as those of `StoredCut`, and are numbered after the blocks of the model.
    """

    def __init__(self, resume_store: ResumeStore, numerics_key: NumericsKey, *, blocks: int) -> None:
        """Begin the stage; what was chosen under the same key counts. `blocks`: of the dense model."""
        self._resume_store, self._blocks = resume_store, blocks
        files = resume_store.begin(Stage.CUT, numerics_key)
        numbers = takewhile(lambda number: number in files, count(blocks))
        self.drops = [_read_drop(files[number].path) for number in numbers]

    def put(self, drop: Drop) -> None:
        """Write the shard and make it durable."""
        number = self._blocks + len(self.drops)
        path = self._resume_store.directory(Stage.CUT) / f"gone-{number:05}.safetensors"
        tensors = {
            _BLOCK: torch.tensor([drop.block]),
            _DIVERGENCE: torch.tensor([drop.divergence], dtype=torch.float64),
        }
        self._resume_store.commit(Stage.CUT, number, save_tensors(tensors, path))
        self.drops.append(drop)


def _read_drop(path: Path) -> Drop:
    with safe_open(path, framework="pt") as file:
        return Drop(int(file.get_tensor(_BLOCK)), float(file.get_tensor(_DIVERGENCE)))


def _write(cut: CutBlock, path: Path) -> HashedFile:
    """Write `kept/<kind>` and `weight/<parameter>`; the metadata holds the warnings."""
    tensors = {f"{_KEPT}{kind}": kept for kind, kept in cut.kept.items()}
    tensors |= {f"{_WEIGHT}{name}": weight for name, weight in cut.weights.items()}
    return save_tensors(tensors, path, {_WARNINGS: json.dumps(cut.warnings)})


def _read(path: Path) -> CutBlock:
    with safe_open(path, framework="pt") as file:
        tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - safetensors' files cannot be iterated
        warnings = tuple(json.loads(file.metadata()[_WARNINGS]))
    kept = {
        name.removeprefix(_KEPT): tensor.to(torch.int64)
        for name, tensor in tensors.items()
        if name.startswith(_KEPT)
    }
    weights = {
        name.removeprefix(_WEIGHT): tensor for name, tensor in tensors.items() if name.startswith(_WEIGHT)
    }
    return CutBlock(kept, weights, warnings)
