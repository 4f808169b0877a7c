"""The decoder blocks of a model: found by looking, and called as the model itself calls them.

No architecture is known by name here. The stack of blocks is the ModuleList that holds the most parameters,
the layers to prune are the linear layers inside it, and the arguments of each block are those that the
model passes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.model.layers import LinearLayer, linear_layers

_LEAST_LINEAR_SHARE = 0.5


@dataclass(frozen=True)
class Block:
    """One decoder layer and the linear layers in it, in the order in which the module defines them."""

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
        """The linear layers of all blocks."""
        return (layer for block in self.blocks for layer in block.layers)

    def module_after(self, index: int) -> nn.Module | None:
        """Of the block that follows block `index`."""
        return self.blocks[index + 1].module if index + 1 < len(self.blocks) else None


def find_stack(model: PreTrainedModel) -> Stack:
    """Find the decoder blocks and their linear layers. Works on a model without weights (meta device) too.

    Raises InvalidInput(field='model.id') for a model without such a stack, one whose blocks share weights,
    and one that keeps most of its blocks' weights outside linear layers.
    """
    lists = {name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    if not lists:
        raise _refused(model, "it has no list of decoder blocks")
    stack_name = max(lists, key=lambda name: _parameter_count(lists[name]))
    blocks = tuple(
        Block(f"{stack_name}.{index}", module, linear_layers(module, f"{stack_name}.{index}"))
        for index, module in enumerate(lists[stack_name])
    )
    stack = Stack(model, blocks)
    _refuse_shared_weights(stack)
    _refuse_weights_outside_linear_layers(stack)
    return stack


def _parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _refuse_shared_weights(stack: Stack) -> None:
    uses = Counter(id(parameter) for _, parameter in stack.model.named_parameters(remove_duplicate=False))
    for layer in stack.layers:
        if uses[id(layer.parameter)] > 1:
            raise _refused(stack.model, f"{layer.parameter_name} is shared with another layer")


def _refuse_weights_outside_linear_layers(stack: Stack) -> None:
    for block in stack.blocks:
        linear = sum(layer.matrix.numel() for layer in block.layers)
        if linear < _LEAST_LINEAR_SHARE * _parameter_count(block.module) or linear == 0:
            raise _refused(
                stack.model,
                f"most weights of {block.name} lie outside linear layers (and fused experts of a known form)",
            )


def _refused(model: PreTrainedModel, reason: str) -> InvalidInput:
    return InvalidInput(f"{type(model).__name__} cannot be pruned: {reason}", field="model.id")
