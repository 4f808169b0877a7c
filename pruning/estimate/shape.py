"""What a model consists of, as far as its cost depends on it: plain numbers, no torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Matrix:
    """A linear layer of a block, or the equal matrices of several experts."""

    outputs: int
    inputs: int
    given: str  # what it is given: matrices of one block with the same name share one input
    copies: int = 1
    share: float = 1.0  # of the tokens, that each copy is given

    @property
    def weights(self) -> int:
        """Of all copies."""
        return self.outputs * self.inputs * self.copies

    @property
    def active(self) -> float:
        """The weights that a token is multiplied with."""
        return self.weights * self.share


@dataclass(frozen=True)
class BlockShape:
    """One decoder block."""

    matrices: tuple[Matrix, ...]
    attention: int  # heads × their size: what a query is long, over all heads

    @cached_property
    def weights(self) -> int:
        """In its linear layers."""
        return sum(matrix.weights for matrix in self.matrices)

    @cached_property
    def active(self) -> float:
        """The weights that a token is multiplied with."""
        return sum(matrix.active for matrix in self.matrices)

    @cached_property
    def features(self) -> float:
        """Numbers that go into and come out of its linear layers, per token."""
        return sum(
            (matrix.inputs + matrix.outputs) * matrix.copies * matrix.share for matrix in self.matrices
        )

    @property
    def inputs(self) -> Iterator[Matrix]:
        """One matrix for each distinct input."""
        return iter({matrix.given: matrix for matrix in self.matrices}.values())


@dataclass(frozen=True)
class ModelShape:
    """A decoder-only model. Norms, biases and routers are left out: they are less than a hundredth."""

    architecture: str
    hidden: int
    vocabulary: int
    context: int | None  # the most tokens that it reads at once; None: no bound
    blocks: tuple[BlockShape, ...]
    embeddings: int  # parameters outside the blocks: of embeddings, and of a head that is not tied to them
    stored_dtype: str  # 'float32', 'bfloat16', …

    @cached_property
    def block_weights(self) -> int:
        """In the linear layers of all blocks."""
        return sum(block.weights for block in self.blocks)

    @property
    def parameters(self) -> int:
        """In all."""
        return self.block_weights + self.embeddings

    @property
    def largest_block(self) -> BlockShape:
        """By its weights."""
        return max(self.blocks, key=lambda block: block.weights)

    @property
    def stored_bytes(self) -> int:
        """As the checkpoint holds it, dense or pruned."""
        return self.parameters * BYTES[self.stored_dtype]


BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
