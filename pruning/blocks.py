"""The decoder blocks of a model: found by looking, and called as the model itself calls them.

No architecture is known by name here. The stack of blocks is the ModuleList that holds the most parameters,
the layers to prune are the linear layers inside it, and the arguments of each block are those that the
model passes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from pruning.errors import InvalidInput

_LEAST_LINEAR_SHARE = 0.5


@dataclass(frozen=True)
class LinearLayer:
    """A layer y = x·Wᵀ (+ bias) inside a block."""

    name: str
    module: nn.Module
    transposed: bool  # GPT-2's Conv1D stores Wᵀ

    @property
    def parameter_name(self) -> str:
        """The weight's name in the model."""
        return f"{self.name}.weight"

    @property
    def parameter(self) -> nn.Parameter:
        """The weight, as the module stores it."""
        weight = self.module.weight
        assert isinstance(weight, nn.Parameter)  # noqa: S101 - what nn.Linear and Conv1D promise
        return weight

    @property
    def matrix(self) -> Tensor:
        """The weight as (outputs, inputs): a view, so that writing to it changes the model."""
        return self.as_matrix(self.parameter.detach())

    def as_matrix(self, stored: Tensor) -> Tensor:
        """A tensor shaped like the parameter, seen as (outputs, inputs). It is its own inverse."""
        return stored.T if self.transposed else stored

    @property
    def outputs(self) -> int:
        """Rows of the matrix."""
        return self.matrix.shape[0]

    @property
    def inputs(self) -> int:
        """Columns of the matrix."""
        return self.matrix.shape[1]

    def by_window(self, tokens: Tensor, windows: Tensor) -> Tensor:
        """This layer's input or output for `windows` (windows, length), as (windows, length, features).

        Some models flatten windows and positions into one dimension before a layer. A layer that sees
        another number of tokens than the model was given, such as a routed expert, cannot be told window
        from window: InvalidInput.
        """
        if tokens.shape[:-1].numel() != windows.numel():
            raise InvalidInput(
                f"layer {self.name} sees {tokens.shape[:-1].numel()} tokens where the model is given "
                f"{windows.numel()}; layers that see a part of the tokens (routed experts) are not supported",
                field="model.id",
            )
        return tokens.reshape(*windows.shape, tokens.shape[-1])


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


def find_stack(model: PreTrainedModel) -> Stack:
    """Find the decoder blocks and their linear layers. Works on a model without weights (meta device) too.

    Raises InvalidInput(field='model.id') for a model without such a stack, one whose blocks share weights,
    and one that keeps most of its blocks' weights outside linear layers (fused experts).
    """
    lists = {name: module for name, module in model.named_modules() if isinstance(module, nn.ModuleList)}
    if not lists:
        raise _refused(model, "it has no list of decoder blocks")
    stack_name = max(lists, key=lambda name: _parameter_count(lists[name]))
    blocks = tuple(
        Block(f"{stack_name}.{index}", module, tuple(_linear_layers(module, f"{stack_name}.{index}")))
        for index, module in enumerate(lists[stack_name])
    )
    stack = Stack(model, blocks)
    _refuse_shared_weights(stack)
    _refuse_weights_outside_linear_layers(stack)
    return stack


def _parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _linear_layers(block: nn.Module, block_name: str) -> Iterator[LinearLayer]:
    for name, module in block.named_modules():
        if isinstance(module, nn.Linear | Conv1D):
            yield LinearLayer(f"{block_name}.{name}", module, isinstance(module, Conv1D))


def _refuse_shared_weights(stack: Stack) -> None:
    uses = Counter(id(parameter) for _, parameter in stack.model.named_parameters(remove_duplicate=False))
    for layer in stack.layers:
        if uses[id(layer.parameter)] > 1:
            raise _refused(stack.model, f"{layer.parameter_name} is shared with another layer")


def _refuse_weights_outside_linear_layers(stack: Stack) -> None:
    for block in stack.blocks:
        linear = sum(layer.parameter.numel() for layer in block.layers)
        if linear < _LEAST_LINEAR_SHARE * _parameter_count(block.module) or linear == 0:
            raise _refused(
                stack.model,
                f"most weights of {block.name} are not in linear layers (fused experts are not supported)",
            )


def _refused(model: PreTrainedModel, reason: str) -> InvalidInput:
    return InvalidInput(f"{type(model).__name__} cannot be pruned: {reason}", field="model.id")
