"""Pruned blocks as shards in the resume store of a run."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from pruning.masks.packed import SHAPES, packed, unpacked
from pruning.masks.patterns import LayerTarget
from pruning.methods.permutations.block import ChannelOrder, InOrder
from pruning.methods.permutations.orders import AxisOrder
from pruning.methods.results import BlockFacts, PrunedBlock, PrunedLayer, Targets
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile, digest_of, save_tensors
from pruning.resume.store import NumericsKey, ResumeStore

_MASK, _WEIGHT, _ORDER = "mask/", "weight/", "order/"
_FACTS = "facts"

_TARGETS = -1
"""The block number under which the layers' sparsity targets are stored: before the first block."""


class StoredBlocks:
    """One shard per block: written when the block is finished, read on access, never held in memory."""

    def __init__(
        self, resume_store: ResumeStore, numerics_key: NumericsKey, stage: Stage = Stage.PRUNE
    ) -> None:
        """Begin the stage; blocks that were finished under the same key count as finished."""
        self.numerics_key, self.stage = numerics_key, stage
        self._resume_store = resume_store
        self._files = dict(resume_store.begin(stage, numerics_key))
        self.activation_checkpoint = resume_store.activation_checkpoint(stage)

    @property
    def result_key(self) -> NumericsKey:
        """Everything that decides the last bits of what is computed with the finished blocks.

        A block that is pruned again may come out otherwise under the same key, on a GPU.
        """
        blocks = {block: file for block, file in self._files.items() if block != _TARGETS}
        return {**self.numerics_key, "pruned blocks": digest_of(blocks)}

    def complete(self, count: int) -> bool:
        """Whether blocks 0 to `count` - 1 are finished."""
        return all(block in self for block in range(count))

    def __contains__(self, block: object) -> bool:
        return block in self._files

    def __getitem__(self, block: int) -> PrunedBlock:
        return read_shard(self._files[block].path)

    def facts(self, block: int) -> BlockFacts:
        with safe_open(self._files[block].path, framework="pt") as file:
            return _facts(file)

    def put(self, block: int, pruned: PrunedBlock) -> None:
        """Write the shard and make it durable."""
        path = self._resume_store.directory(self.stage) / f"{block:05}.safetensors"
        self._commit(block, write_shard(pruned, path))

    def targets(self) -> Targets | None:
        if _TARGETS not in self._files:
            return None
        return targets_of_json(self._files[_TARGETS].path.read_text())

    def put_targets(self, targets: Targets) -> None:
        path = self._resume_store.directory(self.stage) / "targets.json"
        path.write_text(targets_as_json(targets))
        self._commit(_TARGETS, HashedFile.of(path))

    def _commit(self, block: int, file: HashedFile) -> None:
        self._resume_store.commit(self.stage, block, file)
        self._files[block] = file


def targets_as_json(targets: Targets) -> str:
    """Return JSON from which floats come back bit for bit."""
    return json.dumps({name: asdict(target) for name, target in targets.items()})


def targets_of_json(text: str) -> Targets:
    """Undo `targets_as_json`."""
    return {name: LayerTarget(**target) for name, target in json.loads(text).items()}


def write_shard(pruned: PrunedBlock, path: Path) -> HashedFile:
    """Write a block as a safetensors file.

    `mask/<parameter>` is one bit per weight, as in `pruning.masks.packed`; `weight/<parameter>` is present
    where kept weights changed, `order/<dimension>/<parameter>` where the parameter was put in another order
    first. The metadata holds the shapes of the masks and the facts.
    """
    tensors = {f"{_MASK}{name}": packed(mask).cpu() for name, mask in pruned.masks.items()}
    tensors |= {f"{_WEIGHT}{name}": weight.contiguous() for name, weight in pruned.weights.items()}
    tensors |= {f"{_ORDER}{order.dimension}/{name}": order.index for name, order in pruned.orders.items()}
    shapes = {name: list(mask.shape) for name, mask in pruned.masks.items()}
    metadata = {SHAPES: json.dumps(shapes), _FACTS: json.dumps(asdict(pruned.facts))}
    return save_tensors(tensors, path, metadata)


def read_shard(path: Path) -> PrunedBlock:
    """Read a block that `write_shard` wrote."""
    with safe_open(path, framework="pt") as file:
        shapes = json.loads(file.metadata()[SHAPES])
        names = file.keys()
        return PrunedBlock(
            masks={
                name: unpacked(file.get_tensor(f"{_MASK}{name}"), shape) for name, shape in shapes.items()
            },
            weights={
                name.removeprefix(_WEIGHT): file.get_tensor(name)
                for name in names
                if name.startswith(_WEIGHT)
            },
            facts=_facts(file),
            orders=dict(_order(name, file.get_tensor(name)) for name in names if name.startswith(_ORDER)),
        )


def _order(key: str, index: Tensor) -> tuple[str, AxisOrder]:
    dimension, name = key.removeprefix(_ORDER).split("/", 1)
    return name, AxisOrder(int(dimension), index)


def _facts(file: Any) -> BlockFacts:  # noqa: ANN401 - safetensors has no types
    stored = json.loads(file.metadata()[_FACTS])
    layers = tuple(PrunedLayer(**layer | {"shape": tuple(layer["shape"])}) for layer in stored["layers"])
    return BlockFacts(
        layers,
        tuple(stored["warnings"]),
        tuple(stored["parameters"]),
        tuple(ChannelOrder(**order) for order in stored["reordered"]),
        tuple(InOrder(**left) for left in stored["left_in_order"]),
    )
