"""Narrows a model's blocks to the layers that a recipe selects by name patterns."""

from collections.abc import Set as AbstractSet
from dataclasses import replace

from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.masks.patterns import fits
from pruning.models.blocks import Stack, find_stack
from pruning.recipe import LayerSelection, Recipe


def prunable_stack(model: PreTrainedModel, recipe: Recipe) -> Stack:
    """Return the blocks of `model` with the layers that the recipe prunes.

    A model without weights will do, so that a recipe can be refused before expensive work. Raises
    InvalidInput where the model cannot be pruned (field 'model.id'), where a glob selects nothing (field
    'layers.include' or 'layers.exclude'), or where the pattern does not fit a layer (field 'pattern').
    """
    stack = selected_stack(model, recipe.layers)
    for layer in stack.layers:
        if not fits(recipe.pattern, layer.inputs):
            raise InvalidInput(
                f"pattern {recipe.pattern} does not divide the {layer.inputs} inputs of layer {layer.name}; "
                "use unstructured, or a pattern whose second number does",
                field="pattern",
            )
    return stack


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
    selected = _narrowed(stack, frozenset(name for name in names if name in selection))
    if not any(block.layers for block in selected.blocks):
        raise InvalidInput("the patterns exclude every layer that they include", field="layers.exclude")
    return selected


def stack_of_layers(model: PreTrainedModel, names: AbstractSet[str]) -> Stack:
    """Return the blocks of `model` with the layers of these names. Raises what `find_stack` raises."""
    return _narrowed(find_stack(model), names)


def _narrowed(stack: Stack, names: AbstractSet[str]) -> Stack:
    blocks = tuple(
        replace(block, layers=tuple(layer for layer in block.layers if layer.name in names))
        for block in stack.blocks
    )
    return replace(stack, blocks=blocks)
