"""Which parameters of a pruned model are trained."""

import re
from collections.abc import Iterator

from torch import nn

from pruning.model.blocks import Block, Stack
from pruning.recovery.trained import Trainable

_NORM = re.compile("norm", re.IGNORECASE)


def trainable_parameters(stack: Stack) -> dict[str, Trainable]:
    """Return a model's parameters to train by name: those of its pruned layers, and the gains of its norms.

    Embeddings, head, biases and routers stay as they are. The zeros of a layer are its mask: whatever wrote
    the checkpoint, what was zero before the training is zero after it. A parameter that stacks several
    matrices, as those of fused experts do, is trained as a whole if one of them is pruned.
    """
    layers = {name: one for block in stack.blocks for name, one in pruned_layers(block).items()}
    return layers | dict(_gains(stack.model, ""))


def pruned_layers(block: Block) -> dict[str, Trainable]:
    """Return the parameters that hold a block's layers, with their zeros as masks."""
    parameters = {layer.parameter_name: layer.parameter for layer in block.layers}
    return {name: Trainable(one, mask=one.detach() == 0) for name, one in parameters.items()}


def gains_of_norms(block: Block) -> dict[str, Trainable]:
    """Return the gains of a block's norms."""
    return dict(_gains(block.module, f"{block.name}."))


def _gains(module: nn.Module, prefix: str) -> Iterator[tuple[str, Trainable]]:
    for name, part in module.named_modules():
        weight = getattr(part, "weight", None)
        if _NORM.search(type(part).__name__) and isinstance(weight, nn.Parameter) and weight.ndim == 1:
            yield f"{prefix}{name}.weight", Trainable(weight, mask=None)
