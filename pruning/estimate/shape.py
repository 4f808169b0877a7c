"""What an estimate is of: the shape of a model before and after the recipe's structure, and a machine.

The shape is what the cost depends on. The widths that a cut leaves are not rounded here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod

from pydantic import BaseModel, ConfigDict, Field

from pruning.recipe import UNIT_KINDS, StructureOptions


@dataclass(frozen=True)
class Matrix:
    """A linear layer of a block, or the equal matrices of several experts."""

    outputs: int
    inputs: int
    given: str  # name of its input: matrices of a block with the same name share it
    copies: int = 1
    share: float = 1.0  # the share of the tokens that each copy processes

    @property
    def group(self) -> object:
        """What matrices that are measured together have in common: one input, or being of all experts."""
        return self.given if self.share == 1 else ("experts", self.inputs)

    @property
    def size(self) -> int:
        """The weights of one copy."""
        return self.outputs * self.inputs

    @property
    def weights(self) -> int:
        """The weights of all copies."""
        return self.size * self.copies

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
    def has_experts(self) -> bool:
        """Whether some of its matrices are those of several experts."""
        return any(matrix.copies > 1 for matrix in self.matrices)

    @property
    def inputs(self) -> Iterator[Matrix]:
        """Yield one matrix for each distinct input."""
        return iter({matrix.given: matrix for matrix in self.matrices}.values())


@dataclass(frozen=True)
class ModelShape:
    """A decoder-only model without norms, biases and routers, which are less than one percent."""

    model_type: str
    hidden: int
    vocabulary: int
    context: int | None  # the context length in tokens; None: no bound
    blocks: tuple[BlockShape, ...]
    embeddings: int  # parameters outside the blocks: of embeddings, and of a head that is not tied to them
    stored_dtype: str  # 'float32', 'bfloat16', …
    # Whether the files have narrower weights, which are dequantised to `stored_dtype` before anything else.
    is_quantised: bool = field(default=False, compare=False)
    # Per block, where the config gives their number.
    key_value_heads: int | None = field(default=None, compare=False)

    @cached_property
    def block_weights(self) -> int:
        """The weights of the linear layers of all blocks."""
        return sum(block.weights for block in self.blocks)

    @cached_property
    def weights_by_inputs(self) -> Mapping[int, int]:
        """The same by the width of their rows."""
        found = Counter[int]()
        for block in self.blocks:
            for matrix in block.matrices:
                found[matrix.inputs] += matrix.weights
        return found

    @cached_property
    def has_experts(self) -> bool:
        """Whether any block has experts. Cached: it is asked for each of the blocks a config may claim."""
        return any(block.has_experts for block in self.blocks)

    def trained_weights(self, *, cut: bool) -> int:
        """Return how many weights a training changes. `cut`: whether a structure has left this model."""
        return self.parameters if cut else self.block_weights

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


def unit_readers(block: BlockShape, hidden: int) -> tuple[Matrix, ...]:
    """Return the matrices whose inputs are units: to the hidden states, and with inputs not shared."""
    given = [matrix.given for matrix in block.matrices]
    return tuple(
        matrix for matrix in block.matrices if matrix.outputs == hidden and given.count(matrix.given) == 1
    )


def ranked_readers(
    shape: ModelShape, block: BlockShape, structure: StructureOptions
) -> Iterator[tuple[str, Matrix]]:
    """Yield the unit readers that a cut ranks by second moments, each with the kind of its units.

    Of a model with experts, these alone lose MLP channels, and of a share of the parameters none.
    """
    routed = shape.has_experts
    for reader in unit_readers(block, shape.hidden):
        if reader.inputs == block.attention and reader.share == 1:
            kind, has_share = "kv_heads", True
        elif routed and reader.copies == 1:
            continue
        else:
            kind, has_share = "mlp_channels", not routed
        if structure.amount(kind) is not None or (has_share and structure.parameters is not None):
            yield kind, reader


def smaller_shape(shape: ModelShape, structure: StructureOptions) -> ModelShape:
    """Return the shape after the cut.

    A share of the parameters counts as that share of every width. A number of KV heads is not counted where
    the shape does not say how many there are.
    """
    left = _share_left(structure, "attention", shape.key_value_heads or 0)
    return replace(
        shape,
        blocks=tuple(
            _smaller(block, shape.hidden, structure, left, routed=shape.has_experts) for block in shape.blocks
        ),
        key_value_heads=shape.key_value_heads and round(shape.key_value_heads * left),
    )


def _smaller(
    block: BlockShape, hidden: int, structure: StructureOptions, of_attention: float, *, routed: bool
) -> BlockShape:
    """`routed`: some blocks of the model have experts, which alone lose MLP channels."""
    of_mlp, every = 1.0, structure.parameters is not None
    matrices = [_fewer_experts(matrix, structure) for matrix in block.matrices]
    smaller = BlockShape(tuple(matrices), block.attention)
    attention = next((one for one in unit_readers(smaller, hidden) if one.inputs == block.attention), None)
    mlp = next((one for one in unit_readers(smaller, hidden) if one is not attention), None)
    if mlp is not None and (every or block.has_experts == routed):
        of_mlp = _share_left(structure, "mlp", mlp.inputs)
    for number, matrix in enumerate(matrices):
        if matrix is attention:
            matrices[number] = replace(matrix, inputs=round(matrix.inputs * of_attention))
        elif matrix is mlp:
            matrices[number] = replace(matrix, inputs=round(matrix.inputs * of_mlp))
        elif matrix.given == matrices[0].given:  # what attention reads
            matrices[number] = replace(matrix, outputs=round(matrix.outputs * of_attention))
        elif (
            mlp is not None and matrix.copies == mlp.copies and matrix.outputs in (mlp.inputs, 2 * mlp.inputs)
        ):
            matrices[number] = replace(matrix, outputs=round(matrix.outputs * of_mlp))
        elif every:  # of a shared expert, for one
            matrices[number] = replace(matrix, outputs=round(matrix.outputs * of_attention))
    return BlockShape(tuple(matrices), round(block.attention * of_attention))


def _fewer_experts(matrix: Matrix, structure: StructureOptions) -> Matrix:
    """Return the matrix of fewer experts for the same tokens."""
    if matrix.copies == 1 or structure.parameters is not None:
        return matrix
    left = _share_left(structure, "copies", matrix.copies)
    if left == 1:
        return matrix
    copies = max(1, round(matrix.copies * left))
    return replace(matrix, copies=copies, share=min(1.0, matrix.share * matrix.copies / copies))


def _share_left(structure: StructureOptions, estimated_as: str, units: int) -> float:
    """Return the share that is left of a width, or of a number of copies."""
    if structure.parameters is not None:
        return 1 - structure.parameters
    kinds = (name for name, kind in UNIT_KINDS.items() if kind.estimated_as == estimated_as)
    amounts = (amount for name in kinds if (amount := structure.amount(name)) is not None)
    return prod(_share_after(amount, units) for amount in amounts)


def _share_after(amount: float, units: int) -> float:
    """Return the share of the units that is left after removing an amount."""
    if amount < 1:
        return 1 - amount
    return max(0.0, 1 - amount / units) if units else 1.0


class Machine(BaseModel):
    """A worker's device, as it was measured when the worker started."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    device: str = Field(description="`cpu`, or the CUDA device with its name; several are separated by `, `.")
    devices: int = Field(1, ge=1, description="Devices that share a job. The rates are those of one.")
    memory_bytes: int = Field(
        gt=0, description="Memory of the device that computes; of several, of the smallest."
    )
    operations_per_second: dict[str, float] = Field(
        description="Rate of large matrix products, by each dtype that the device can compute with."
    )
    bytes_per_second: float = Field(gt=0, description="Rate of reading and writing the device's memory.")
    measured: bool = Field(
        True, description="False if the figures are assumed, because no live worker was measured."
    )

    @property
    def kind(self) -> str:
        """`cpu` or `cuda`."""
        return "cuda" if self.device.startswith("cuda") else "cpu"

    def rate(self, dtype: str) -> float:
        """Return the operations per second in a dtype; the slowest rate for one that was not measured."""
        return self.operations_per_second.get(dtype, min(self.operations_per_second.values()))


ASSUMED = Machine(
    device="cpu",
    memory_bytes=16 * 1024**3,
    operations_per_second={"float32": 1e11},
    bytes_per_second=1e10,
    measured=False,
)
"""A small machine without a GPU, assumed if no live worker was measured."""
