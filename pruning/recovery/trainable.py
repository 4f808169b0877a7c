"""Which parameters of a pruned model are trained."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from torch import Tensor, nn

from pruning.models.blocks import Block, Stack
from pruning.recipe import Recipe
from pruning.recovery.adam import rate_factor
from pruning.recovery.trained import Trainable

Stored = Callable[[nn.Parameter], Tensor]
"""Returns what the checkpoint has for a parameter, which may be computed with in another dtype."""

_NORM = re.compile("norm", re.IGNORECASE)


def trainable_parameters(recipe: Recipe, stack: Stack, stored: Stored) -> dict[str, Trainable]:
    """Return the parameters of a pruned model that a recipe's training of the whole model changes, by name.

    `stack`: the blocks of the model, narrowed to the layers that are pruned.
    """
    if recipe.structure is None:
        return kept_parameters(stack, stored)
    return every_parameter(stack, stored, masked=recipe.method is not None)


def with_rates(trainable: Mapping[str, Trainable]) -> dict[str, Trainable]:
    """Return the same parameters, each with the factor of its own rate, for which all weights are read."""
    return {name: replace(one, factor=rate_factor(one.size, one.kept)) for name, one in trainable.items()}


def kept_parameters(stack: Stack, stored: Stored) -> dict[str, Trainable]:
    """Return those of a model's pruned layers, and the gains of its norms.

    Embeddings, head, biases and routers stay as they are, and so does a norm before the first block, as BLOOM
    has one: it gets no gradient. The zeros of a layer are its mask: whatever wrote
    the checkpoint, what was zero before the training is zero after it. A parameter that stacks several
    matrices, as those of fused experts do, is trained as a whole if one of them is pruned.
    """
    layers = {name: one for block in stack.blocks for name, one in pruned_layers(block, stored).items()}
    return layers | dict(_gains(stack.model, stored))


def every_parameter(stack: Stack, stored: Stored, *, masked: bool) -> dict[str, Trainable]:
    """Return all parameters of a model that a cut has left; tied ones once, by the first of their names.

    `masked`: whether the zeros of its layers are masks, as they are where a method has pruned it.
    """
    found = {
        name: Trainable(parameter, stored(parameter), mask=None)
        for name, parameter in stack.model.named_parameters()
        if parameter.is_floating_point()
    }
    for block in stack.blocks if masked else ():
        found |= pruned_layers(block, stored)
    return found


def pruned_layers(block: Block, stored: Stored) -> dict[str, Trainable]:
    """Return the parameters that hold a block's layers, with their zeros as masks."""
    found: dict[str, Trainable] = {}
    for name, parameter in {layer.parameter_name: layer.parameter for layer in block.layers}.items():
        weights = stored(parameter)
        found[name] = Trainable(parameter, weights, mask=weights.to(parameter.device) == 0)
    return found


def _gains(model: nn.Module, stored: Stored) -> Iterator[tuple[str, Trainable]]:
    for name, part in model.named_modules():
        weight = getattr(part, "weight", None)
        if _NORM.search(type(part).__name__) and isinstance(weight, nn.Parameter) and weight.ndim == 1:
            yield f"{name}.weight", Trainable(weight, stored(weight), mask=None)
