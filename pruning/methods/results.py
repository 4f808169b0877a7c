"""What pruning returns for each block, and its storage as shards in the resume store of a run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import safe_open
from torch import Tensor

from pruning.calibration.routed_tokens import RoutedTokens
from pruning.masks.packed import SHAPES, packed, set_to_zero, unpacked
from pruning.masks.patterns import LayerTarget
from pruning.methods.permutation import AxisOrder, ChannelOrder, KeptOrder, Orders
from pruning.models.blocks import Block
from pruning.recipe import Stage
from pruning.resume.hashed_file import HashedFile, digest_of, save_tensors
from pruning.resume.store import ActivationCheckpoint, NumericsKey, ResumeStore

Targets = Mapping[str, LayerTarget]
"""The sparsity target of each layer, by name."""


@dataclass(frozen=True)
class PrunedLayer:
    """The result for one weight matrix."""

    name: str
    block: int
    shape: tuple[int, int]  # (outputs, inputs)
    zeros: int
    relative_error: float | None = None  # of its outputs; see `InputStatistics.relative_error`
    swap_reduction: float | None = None  # see `PrunedMatrix`

    @property
    def weights(self) -> int:
        """The number of weights, zero or not."""
        return self.shape[0] * self.shape[1]

    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.weights


@dataclass(frozen=True)
class BlockFacts:
    """What the report states about a pruned block."""

    layers: tuple[PrunedLayer, ...] = ()  # in the order of the model
    warnings: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()  # names of the parameters that hold the layers
    # Of channels that were put in another order, and of those that were not, where that was asked for.
    reordered: tuple[ChannelOrder, ...] = ()
    left_in_order: tuple[KeptOrder, ...] = ()
    routed: RoutedTokens = ()  # of a mixture of datasets, where the block has experts


@dataclass(frozen=True)
class PrunedBlock:
    """The masks of a block, and its kept weights where they changed: in the new order, if there is one."""

    # Both by parameter name, in the parameter's own shape.
    masks: Mapping[str, Tensor]  # bool, True where pruned; of a block that is being pruned, on its device
    # Only what changed; on the CPU, in the dtype of the computation.
    weights: Mapping[str, Tensor]
    facts: BlockFacts = field(default_factory=BlockFacts)
    orders: Orders = field(default_factory=dict)  # in which the dense parameters are put first

    def apply_to(self, block: Block) -> None:
        """Turn the dense block, after `put_in_order` with these orders, into the pruned one, bit for bit."""
        parameters = {
            f"{block.name}.{name}": parameter.detach() for name, parameter in block.module.named_parameters()
        }
        for name, weight in self.weights.items():
            parameters[name].copy_(weight)
        for name, mask in self.masks.items():
            set_to_zero(parameters[name], mask.to(parameters[name].device))


class PrunedBlocks(Protocol):
    """The finished blocks of one model, by number, and what it takes to continue after them."""

    activation_checkpoint: ActivationCheckpoint
    """The hidden states of the calibration windows before a block."""

    def __contains__(self, block: object) -> bool:
        """Whether the block is finished."""

    def __getitem__(self, block: int) -> PrunedBlock:
        """A finished block."""

    def facts(self, block: int) -> BlockFacts:
        """The facts of a finished block, without reading its tensors."""

    def put(self, block: int, pruned: PrunedBlock) -> None:
        """Store a block; it is finished when this returns."""

    def targets(self) -> Targets | None:
        """The sparsity targets of an earlier attempt, if it stored any."""

    def put_targets(self, targets: Targets) -> None:
        """Store the targets: they cannot be derived again once blocks are pruned."""


class InMemory:
    """Blocks of a model whose changed weights fit into memory with it; a mask takes a bit per weight."""

    def __init__(self) -> None:
        self.activation_checkpoint = ActivationCheckpoint(None, {})
        self._blocks: dict[int, PrunedBlock] = {}  # without masks
        self._masks: dict[int, dict[str, tuple[Tensor, torch.Size]]] = {}  # packed, and their shapes

    def __contains__(self, block: object) -> bool:
        return block in self._blocks

    def __getitem__(self, block: int) -> PrunedBlock:
        masks = {name: unpacked(bits, shape) for name, (bits, shape) in self._masks[block].items()}
        return replace(self._blocks[block], masks=masks)

    def facts(self, block: int) -> BlockFacts:
        return self._blocks[block].facts

    def put(self, block: int, pruned: PrunedBlock) -> None:
        self._masks[block] = {name: (packed(mask).cpu(), mask.shape) for name, mask in pruned.masks.items()}
        self._blocks[block] = replace(pruned, masks={})

    def targets(self) -> None:
        """None: a run in memory has no earlier attempt."""

    def put_targets(self, targets: Targets) -> None:
        """Do nothing: a run in memory has no later attempt."""


class Pruned(Iterable[PrunedBlock]):
    """The pruned model: its blocks in order, each read from where it is stored when it is iterated over."""

    def __init__(self, blocks: PrunedBlocks, count: int) -> None:
        """`count`: the number of blocks of the model, all finished."""
        self._blocks = blocks
        self._count = count
        facts = [blocks.facts(block) for block in range(count)]
        self.layers = tuple(layer for of_block in facts for layer in of_block.layers)
        self.warnings = tuple(warning for of_block in facts for warning in of_block.warnings)
        self.parameters = tuple(name for of_block in facts for name in of_block.parameters)
        self.reordered = tuple(order for of_block in facts for order in of_block.reordered)
        self.routed = {block: of_block.routed for block, of_block in enumerate(facts) if of_block.routed}
        self.left_in_order = tuple(left for of_block in facts for left in of_block.left_in_order)

    def __iter__(self) -> Iterator[PrunedBlock]:
        """The blocks in the order of the model."""
        return (self._blocks[block] for block in range(self._count))

    @property
    def sparsity(self) -> float:
        """The share of zeros over all pruned layers."""
        return sum(layer.zeros for layer in self.layers) / sum(layer.weights for layer in self.layers)

    @property
    def masks(self) -> dict[str, Tensor]:
        """The masks of all blocks, in memory at once."""
        return {name: mask for block in self for name, mask in block.masks.items()}

    @property
    def weights(self) -> dict[str, Tensor]:
        """The changed weights of all blocks, in memory at once."""
        return {name: weight for block in self for name, weight in block.weights.items()}


_MASK, _WEIGHT, _ORDER = "mask/", "weight/", "order/"
_FACTS = "facts"

_TARGETS = -1
"""The block number under which the layers' sparsity targets are stored: before the first block."""


class StoredBlocks:
    """One shard per block: written when the block is finished, read on access, never held in memory."""

    def __init__(self, resume_store: ResumeStore, numerics_key: NumericsKey) -> None:
        """Begin the stage; blocks that were finished under the same key count as finished."""
        self.numerics_key = numerics_key
        self._resume_store = resume_store
        self._files = dict(resume_store.begin(Stage.PRUNE, numerics_key))
        self.activation_checkpoint = resume_store.activation_checkpoint(Stage.PRUNE)

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
        path = self._resume_store.directory(Stage.PRUNE) / f"{block:05}.safetensors"
        self._commit(block, write_shard(pruned, path))

    def targets(self) -> Targets | None:
        if _TARGETS not in self._files:
            return None
        stored = json.loads(self._files[_TARGETS].path.read_text())
        return {name: LayerTarget(**target) for name, target in stored.items()}

    def put_targets(self, targets: Targets) -> None:
        path = self._resume_store.directory(Stage.PRUNE) / "targets.json"
        # JSON from which floats come back bit for bit
        path.write_text(json.dumps({name: asdict(target) for name, target in targets.items()}))
        self._commit(_TARGETS, HashedFile.of(path))

    def _commit(self, block: int, file: HashedFile) -> None:
        self._resume_store.commit(Stage.PRUNE, block, file)
        self._files[block] = file


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
        tuple(KeptOrder(**left) for left in stored["left_in_order"]),
        tuple(map(tuple, stored["routed"])),
    )
