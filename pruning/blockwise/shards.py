"""Pruned blocks as shards in a run's resume store."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file

from pruning.blockwise.results import BlockFacts, PrunedBlock, PrunedLayer, Targets
from pruning.masks.packed import SHAPES, packed, unpacked
from pruning.masks.patterns import LayerTarget
from pruning.recipe import Stage
from pruning.resume.store import NumericsKey, ResumeStore

_MASK, _WEIGHT = "mask/", "weight/"
_FACTS = "facts"

_TARGETS = -1
"""The number of the shard that says how many zeros each layer is to have: it comes before the first block."""


class StoredBlocks:
    """A shard per block: written when the block is finished, read when it is asked for, never held."""

    def __init__(self, resume_store: ResumeStore, numerics_key: NumericsKey) -> None:
        """Begin the prune stage, or take it up under the same conditions."""
        self._resume_store = resume_store
        self._files = dict(resume_store.begin(Stage.PRUNE, numerics_key))
        self.activation_checkpoint = resume_store.activation_checkpoint(Stage.PRUNE)

    def has_all(self, count: int) -> bool:
        """Whether blocks 0 to `count` - 1 are finished."""
        return all(block in self for block in range(count))

    def __contains__(self, block: object) -> bool:
        """See `PrunedBlocks`."""
        return block in self._files

    def __getitem__(self, block: int) -> PrunedBlock:
        """See `PrunedBlocks`."""
        return read_shard(self._files[block])

    def facts(self, block: int) -> BlockFacts:
        """See `PrunedBlocks`."""
        with safe_open(self._files[block], framework="pt") as file:
            return _facts(file)

    def keep(self, block: int, pruned: PrunedBlock) -> None:
        """Write the shard, and make it durable."""
        path = self._resume_store.directory(Stage.PRUNE) / f"{block:05}.safetensors"
        write_shard(pruned, path)
        self._keep(block, path)

    def targets(self) -> Targets | None:
        """See `PrunedBlocks`."""
        if _TARGETS not in self._files:
            return None
        noted = json.loads(self._files[_TARGETS].read_text())
        return {name: LayerTarget(**target) for name, target in noted.items()}

    def keep_targets(self, targets: Targets) -> None:
        """As JSON, from which floats come back bit for bit."""
        path = self._resume_store.directory(Stage.PRUNE) / "targets.json"
        path.write_text(json.dumps({name: asdict(target) for name, target in targets.items()}))
        self._keep(_TARGETS, path)

    def _keep(self, block: int, path: Path) -> None:
        self._resume_store.commit(Stage.PRUNE, block, path)
        self._files[block] = path


def write_shard(pruned: PrunedBlock, path: Path) -> None:
    """Write a block as safetensors: `mask/<parameter>`, one bit per weight as in `pruning.masks.packed`, and
    `weight/<parameter>` where the kept weights changed. The metadata has the masks' shapes and the facts.
    """
    tensors = {f"{_MASK}{name}": packed(mask) for name, mask in pruned.masks.items()}
    tensors |= {f"{_WEIGHT}{name}": weight.contiguous() for name, weight in pruned.weights.items()}
    shapes = {name: list(mask.shape) for name, mask in pruned.masks.items()}
    metadata = {SHAPES: json.dumps(shapes), _FACTS: json.dumps(asdict(pruned.facts))}
    save_file(tensors, path, metadata=metadata)


def read_shard(path: Path) -> PrunedBlock:
    """What `write_shard` was given."""
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
        )


def _facts(file: Any) -> BlockFacts:  # noqa: ANN401 - safetensors has no types
    noted = json.loads(file.metadata()[_FACTS])
    layers = tuple(PrunedLayer(**layer | {"shape": tuple(layer["shape"])}) for layer in noted["layers"])
    return BlockFacts(layers, tuple(noted["warnings"]), tuple(noted["parameters"]))
