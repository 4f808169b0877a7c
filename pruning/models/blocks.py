"""Finds the decoder blocks of a model and the linear layers in them that a recipe selects.

No list of architectures is needed: the blocks are the members of the ModuleList with the most parameters, and
the layers to prune are the linear layers inside it. How a block is called is in `pruning.models.replay`.
"""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from torch import nn
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.masks.patterns import fits
from pruning.models.layers import LinearLayer, linear_layers
from pruning.recipe import LayerSelection, Recipe

_MIN_LINEAR_SHARE = 0.5


@dataclass(frozen=True)
class Block:
    """A decoder block and its linear layers, in the order in which the module defines them.

    After `selected_stack`, `layers` are the selected ones, and may be empty.
    """

    name: str
    module: nn.Module
    layers: tuple[LinearLayer, ...]


@dataclass(frozen=True)
class Stack:
    """A model's decoder blocks, in order."""

    model: PreTrainedModel
    blocks: tuple[Block, ...]

    @property
    def layers(self) -> Iterator[LinearLayer]:
        """The layers of all blocks, in order."""
        return (layer for block in self.blocks for layer in block.layers)

    @property
    def modules(self) -> list[nn.Module]:
        """The modules of all blocks, in order."""
        return [block.module for block in self.blocks]

    @property
    def parameters(self) -> int:
        """The number of parameters in the blocks."""
        return sum(parameter_count(module) for module in self.modules)

    def module_after(self, index: int) -> nn.Module | None:
        """Return the module of the block after block `index`; None after the last."""
        return self.blocks[index + 1].module if index + 1 < len(self.blocks) else None


def find_stack(model: PreTrainedModel) -> Stack:
    """Find a model's decoder blocks and their linear layers.

    Parameters
    ----------
    model
        May be on the meta device: no weight is read.

    Raises
    ------
    InvalidInput
        With field 'model.id', where there is no list of blocks, where blocks share weights, or where most of
        a block's weights are outside linear layers.
    """
    lists = {name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    if not lists:
        raise _refused(model, "it has no list of decoder blocks")
    stack_name = max(lists, key=lambda name: parameter_count(lists[name]))
    blocks = tuple(
        Block(f"{stack_name}.{index}", module, linear_layers(module, f"{stack_name}.{index}"))
        for index, module in enumerate(lists[stack_name])
    )
    stack = Stack(model, blocks)
    _refuse_shared_weights(stack)
    _refuse_weights_outside_linear_layers(stack)
    return stack


def parameter_count(module: nn.Module) -> int:
    """Return the number of a module's parameters; shared ones count once."""
    return sum(parameter.numel() for parameter in module.parameters())


def _refuse_shared_weights(stack: Stack) -> None:
    uses = Counter(id(parameter) for _, parameter in stack.model.named_parameters(remove_duplicate=False))
    for layer in stack.layers:
        if uses[id(layer.parameter)] > 1:
            raise _refused(stack.model, f"{layer.parameter_name} is shared with another layer")


def _refuse_weights_outside_linear_layers(stack: Stack) -> None:
    for block in stack.blocks:
        linear = sum(layer.matrix.numel() for layer in block.layers)
        if linear < _MIN_LINEAR_SHARE * parameter_count(block.module) or linear == 0:
            raise _refused(
                stack.model,
                f"most weights of {block.name} are outside linear layers and known kinds of fused experts",
            )


def _refused(model: PreTrainedModel, reason: str) -> InvalidInput:
    return InvalidInput(f"{type(model).__name__} cannot be pruned: {reason}", field="model.id")


def prunable_stack(model: PreTrainedModel, recipe: Recipe) -> Stack:
    """Return the blocks of `model` with the layers that the recipe prunes.

    The model may be on the meta device, so that a recipe is refused before expensive work. Raises
    InvalidInput where the model cannot be pruned (field 'model.id'), where a glob matches nothing (field
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
