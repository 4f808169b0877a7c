"""The shape of a model, as far as its cost depends on it: plain numbers, no torch."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Matrix:
    """A linear layer of a block, or the equal matrices of several experts."""

    outputs: int
    inputs: int
    given: str  # the name of its input: matrices of one block with the same name share one input
    copies: int = 1
    share: float = 1.0  # the share of the tokens that each copy processes

    @property
    def weights(self) -> int:
        """The weights of all copies."""
        return self.outputs * self.inputs * self.copies

    @property
    def active(self) -> float:
        """The weights that are multiplied with a token, on average."""
        return self.weights * self.share


@dataclass(frozen=True)
class BlockShape:
    """One decoder block."""

    matrices: tuple[Matrix, ...]
    attention: int  # heads × head size: the width of a query over all heads

    @cached_property
    def weights(self) -> int:
        """The weights of its linear layers."""
        return sum(matrix.weights for matrix in self.matrices)

    @cached_property
    def active(self) -> float:
        """The weights that are multiplied with a token, on average."""
        return sum(matrix.active for matrix in self.matrices)

    @property
    def inputs(self) -> Iterator[Matrix]:
        """Yield one matrix for each distinct input."""
        return iter({matrix.given: matrix for matrix in self.matrices}.values())


@dataclass(frozen=True)
class ModelShape:
    """A decoder-only model without norms, biases and routers, which are less than one percent."""

    architecture: str
    hidden: int
    vocabulary: int
    context: int | None  # the context length in tokens; None: no bound
    blocks: tuple[BlockShape, ...]
    embeddings: int  # parameters outside the blocks: of embeddings, and of a head that is not tied to them
    stored_dtype: str  # 'float32', 'bfloat16', …
    # In each block, where the config has a number of its own for them; None: they cannot go.
    heads: int | None = field(default=None, compare=False)
    key_value_heads: int | None = field(default=None, compare=False)

    @cached_property
    def block_weights(self) -> int:
        """The weights of the linear layers of all blocks."""
        return sum(block.weights for block in self.blocks)

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        return self.block_weights + self.embeddings

    @property
    def largest_block(self) -> BlockShape:
        """The block with the most weights."""
        return max(self.blocks, key=lambda block: block.weights)

    @property
    def stored_bytes(self) -> int:
        """The bytes of the checkpoint, dense or pruned."""
        return self.parameters * BYTES[self.stored_dtype]


BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
