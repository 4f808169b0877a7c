"""Narrows a model's blocks to the layers that a recipe selects by name patterns."""

from dataclasses import replace

from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.model.blocks import Stack, find_stack
from pruning.recipe import LayerSelection


def selected_stack(model: PreTrainedModel, selection: LayerSelection) -> Stack:
    """Return the blocks of `model` with their selected layers; a block may have none left.

    Parameters
    ----------
    model
        May be on the meta device: no weight is read.
    selection
        The recipe's `layers`: patterns to include and to exclude.

    Raises
    ------
    InvalidInput
        As in `find_stack`; with field 'layers.include' or 'layers.exclude' for a pattern that matches no
        layer; with 'layers.exclude' where no layer is left.
    """
    stack = find_stack(model)
    names = [layer.name for layer in stack.layers]
    for field, glob in selection.unmatched(names):
        raise InvalidInput(
            f"pattern {glob!r} matches no layer of this {type(model).__name__}, whose layers have names such "
            f"as {names[0]} and {names[-1]}",
            field=f"layers.{field}",
        )
    blocks = tuple(
        replace(block, layers=tuple(layer for layer in block.layers if layer.name in selection))
        for block in stack.blocks
    )
    if not any(block.layers for block in blocks):
        raise InvalidInput("the patterns exclude every layer that they include", field="layers.exclude")
    return replace(stack, blocks=blocks)
