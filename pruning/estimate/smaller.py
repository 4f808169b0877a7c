"""The shape that a recipe's structure leaves of a model, for estimates: widths are not rounded here."""

from dataclasses import replace
from math import prod

from pruning.estimate.shape import BlockShape, Matrix, ModelShape
from pruning.recipe import UNIT_KINDS, StructureOptions


def readers(block: BlockShape, hidden: int) -> tuple[Matrix, ...]:
    """Return the matrices that read units: they lead back to the hidden states, with inputs of their own."""
    given = [matrix.given for matrix in block.matrices]
    return tuple(
        matrix for matrix in block.matrices if matrix.outputs == hidden and given.count(matrix.given) == 1
    )


def smaller_shape(shape: ModelShape, structure: StructureOptions) -> ModelShape:
    """Return the shape after the cut.

    A share of the parameters counts as that share of every width. A number of KV groups is not counted where
    the shape does not say how many there are. Of blocks the first count as those that are left.
    """
    left = _left(structure, "attention", shape.key_value_heads or 0)
    blocks = shorter_shape(shape, structure).blocks
    return replace(
        shape,
        blocks=tuple(_smaller(block, shape.hidden, structure, left) for block in blocks),
        heads=shape.heads and round(shape.heads * left),
        key_value_heads=shape.key_value_heads and round(shape.key_value_heads * left),
    )


def shorter_shape(shape: ModelShape, structure: StructureOptions) -> ModelShape:
    """Return the shape without the blocks that go, before any other unit does."""
    if structure.blocks is None:
        return shape
    left = round(_after(structure.blocks, len(shape.blocks)) * len(shape.blocks))
    return replace(shape, blocks=shape.blocks[: max(1, left)])


def _smaller(block: BlockShape, hidden: int, structure: StructureOptions, of_attention: float) -> BlockShape:
    of_mlp = 1.0
    matrices = [_fewer_experts(matrix, structure) for matrix in block.matrices]
    block = BlockShape(tuple(matrices), block.attention)
    attention = next((one for one in readers(block, hidden) if one.inputs == block.attention), None)
    mlp = next((one for one in readers(block, hidden) if one is not attention), None)
    if mlp is not None:
        of_mlp = _left(structure, "mlp", mlp.inputs)
    for number, matrix in enumerate(matrices):
        if matrix is attention:
            matrices[number] = replace(matrix, inputs=round(matrix.inputs * of_attention))
        elif matrix is mlp:
            matrices[number] = replace(matrix, inputs=round(matrix.inputs * of_mlp))
        elif mlp is not None and matrix.outputs in (mlp.inputs, 2 * mlp.inputs):
            matrices[number] = replace(matrix, outputs=round(matrix.outputs * of_mlp))
        else:
            matrices[number] = replace(matrix, outputs=round(matrix.outputs * of_attention))
    return BlockShape(tuple(matrices), round(block.attention * of_attention))


def _fewer_experts(matrix: Matrix, structure: StructureOptions) -> Matrix:
    """Return the matrix of fewer experts, which are given the same tokens."""
    if matrix.copies == 1 or structure.parameters is not None:
        return matrix
    left = _left(structure, "copies", matrix.copies)
    if left == 1:
        return matrix
    copies = max(1, round(matrix.copies * left))
    return replace(matrix, copies=copies, share=min(1.0, matrix.share * matrix.copies / copies))


def _left(structure: StructureOptions, estimated_as: str, units: int) -> float:
    """Return the share that is left of a width, or of a number of copies."""
    if structure.parameters is not None:
        return 1 - structure.parameters
    kinds = (name for name, kind in UNIT_KINDS.items() if kind.estimated_as == estimated_as)
    amounts = (amount for name in kinds if (amount := structure.amount(name)) is not None)
    return prod(_after(amount, units) for amount in amounts)


def _after(amount: float, units: int) -> float:
    """Return the share of the units that an amount leaves."""
    if amount < 1:
        return 1 - amount
    return max(0.0, 1 - amount / units) if units else 1.0
