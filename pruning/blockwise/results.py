"""What pruning makes of a model, block by block."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor

from pruning.masks.packed import set_to_zero
from pruning.masks.patterns import LayerTarget
from pruning.model.blocks import Block
from pruning.resume.store import ActivationCheckpoint

Targets = Mapping[str, LayerTarget]
"""What each layer is to lose, by name."""


@dataclass(frozen=True)
class PrunedLayer:
    """What became of one weight matrix."""

    name: str
    block: int
    shape: tuple[int, int]  # (outputs, inputs)
    zeros: int
    relative_error: float | None = None  # of its outputs; see `InputStatistics.relative_error`

    @property
    def weights(self) -> int:
        """Zero or not."""
        return self.shape[0] * self.shape[1]

    @property
    def sparsity(self) -> float:
        """The share of zeros."""
        return self.zeros / self.weights


@dataclass(frozen=True)
class BlockFacts:
    """What the report says of a pruned block."""

    layers: tuple[PrunedLayer, ...] = ()  # in the order of the model
    warnings: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()  # those that hold the layers


@dataclass(frozen=True)
class PrunedBlock:
    """Which weights of a block are zero now, and what the others became."""

    # Both by parameter name, in the parameter's own shape, on the CPU.
    masks: Mapping[str, Tensor]  # bool, True where pruned
    weights: Mapping[str, Tensor]  # only where kept weights changed; in the dtype of the computation
    facts: BlockFacts = field(default_factory=BlockFacts)

    def apply_to(self, block: Block) -> None:
        """Make of the dense block what pruning has made of it, bit for bit."""
        parameters = {layer.parameter_name: layer.parameter.detach() for layer in block.layers}
        for name, mask in self.masks.items():
            if name in self.weights:
                parameters[name].copy_(self.weights[name])
            set_to_zero(parameters[name], mask.to(parameters[name].device))


class PrunedBlocks(Protocol):
    """The finished blocks of one model, by number, and what is needed to go on behind them."""

    activation_checkpoint: ActivationCheckpoint
    """The calibration windows before a block."""

    def __contains__(self, block: object) -> bool:
        """Whether the block is finished."""

    def __getitem__(self, block: int) -> PrunedBlock:
        """A finished block."""

    def facts(self, block: int) -> BlockFacts:
        """Of a finished block, without its tensors."""

    def keep(self, block: int, pruned: PrunedBlock) -> None:
        """The block is finished when this returns."""

    def targets(self) -> Targets | None:
        """What each layer is to lose, by name, where that was noted."""

    def keep_targets(self, targets: Targets) -> None:
        """Note it: an allocation that looks at the dense model cannot be made again behind pruned blocks."""


class InMemory:
    """For a model whose masks and changed weights fit into memory beside it."""

    def __init__(self) -> None:
        """Nothing is finished."""
        self.activation_checkpoint = ActivationCheckpoint(None, {})
        self._blocks: dict[int, PrunedBlock] = {}

    def __contains__(self, block: object) -> bool:
        """See `PrunedBlocks`."""
        return block in self._blocks

    def __getitem__(self, block: int) -> PrunedBlock:
        """See `PrunedBlocks`."""
        return self._blocks[block]

    def facts(self, block: int) -> BlockFacts:
        """See `PrunedBlocks`."""
        return self._blocks[block].facts

    def keep(self, block: int, pruned: PrunedBlock) -> None:
        """Hold it."""
        self._blocks[block] = pruned

    def targets(self) -> None:
        """Never noted: what is in memory is not taken up by another run."""

    def keep_targets(self, targets: Targets) -> None:
        """Nothing to do."""


class Pruned(Iterable[PrunedBlock]):
    """What became of the whole model: its blocks, each taken from where it is kept when its turn comes."""

    def __init__(self, blocks: PrunedBlocks, count: int) -> None:
        """`count`: of the model's blocks, all of them finished."""
        self._blocks = blocks
        self._count = count
        facts = [blocks.facts(block) for block in range(count)]
        self.layers = tuple(layer for of_block in facts for layer in of_block.layers)
        self.warnings = tuple(warning for of_block in facts for warning in of_block.warnings)
        self.parameters = tuple(name for of_block in facts for name in of_block.parameters)

    def __iter__(self) -> Iterator[PrunedBlock]:
        """In the order of the model."""
        return (self._blocks[block] for block in range(self._count))

    @property
    def sparsity(self) -> float:
        """The share of zeros over all pruned layers."""
        return sum(layer.zeros for layer in self.layers) / sum(layer.weights for layer in self.layers)

    @property
    def masks(self) -> dict[str, Tensor]:
        """Those of all blocks, in memory at once."""
        return {name: mask for block in self for name, mask in block.masks.items()}

    @property
    def weights(self) -> dict[str, Tensor]:
        """Those of all blocks, in memory at once."""
        return {name: weight for block in self for name, weight in block.weights.items()}
