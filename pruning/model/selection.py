"""A model's blocks, narrowed to the layers that a recipe selects."""

from dataclasses import replace

from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.model.blocks import Stack, find_stack
from pruning.recipe import LayerSelection


def selected_stack(model: PreTrainedModel, selection: LayerSelection) -> Stack:
    """The blocks of `model` with their selected layers; a block may have none left.

    Raises what `find_stack` raises, and InvalidInput naming the field for a pattern that matches no layer or
    patterns that leave none.
    """
    stack = find_stack(model)
    names = [layer.name for layer in stack.layers]
    for field, glob in selection.unmatched(names):
        raise InvalidInput(
            f"pattern {glob!r} matches no layer of this {type(model).__name__}; its layers have names such "
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
