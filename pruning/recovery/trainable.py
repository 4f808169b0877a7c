"""Which parameters of a pruned model are trained."""

import re
from collections.abc import Callable, Iterator, Mapping

from torch import Tensor, nn

from pruning.model.blocks import Block, Stack
from pruning.recovery.trained import Trainable

Stored = Callable[[nn.Parameter], Tensor]
"""Returns what the checkpoint has for a parameter, which may be computed with in another dtype."""

_NORM = re.compile("norm", re.IGNORECASE)


def trainable_parameters(stack: Stack, stored: Stored) -> dict[str, Trainable]:
    """Return a model's parameters to train by name: those of its pruned layers, and the gains of its norms.

    Embeddings, head, biases and routers stay as they are, and so does a norm before the first block, as BLOOM
    has one: it gets no gradient. The zeros of a layer are its mask: whatever wrote
    the checkpoint, what was zero before the training is zero after it. A parameter that stacks several
    matrices, as those of fused experts do, is trained as a whole if one of them is pruned.
    """
    layers = {name: one for block in stack.blocks for name, one in pruned_layers(block, stored).items()}
    return layers | dict(_gains(stack.model, "", stored))


def pruned_layers(
    block: Block, stored: Stored, masks: Mapping[str, Tensor] | None = None
) -> dict[str, Trainable]:
    """Return the parameters that hold a block's layers, with their zeros as masks.

    `masks`: bool, by the parameter's name, True where a weight is pruned besides the zeros that are stored.
    """
    found: dict[str, Trainable] = {}
    for name, parameter in {layer.parameter_name: layer.parameter for layer in block.layers}.items():
        weights = stored(parameter)
        zeros = weights.to(parameter.device) == 0
        mask = zeros if masks is None else zeros | masks[name]
        found[name] = Trainable(parameter, weights, mask)
    return found


def gains_of_norms(block: Block, stored: Stored) -> dict[str, Trainable]:
    """Return the gains of a block's norms."""
    return dict(_gains(block.module, f"{block.name}.", stored))


def _gains(module: nn.Module, prefix: str, stored: Stored) -> Iterator[tuple[str, Trainable]]:
    for name, part in module.named_modules():
        weight = getattr(part, "weight", None)
        if _NORM.search(type(part).__name__) and isinstance(weight, nn.Parameter) and weight.ndim == 1:
            yield f"{prefix}{name}.weight", Trainable(weight, stored(weight), mask=None)
