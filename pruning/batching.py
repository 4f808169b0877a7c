"""How many windows go through a model at once."""

import psutil
import torch
from torch import Tensor

from pruning.blocks import Stack
from pruning.layers import linear_layers

# Matrix products of this many rows run at full speed; more only costs memory.
_ENOUGH_TOKENS = {"cpu": 1024, "cuda": 8192}
_MEMORY_SHARE = 0.5


def micro_batches(stack: Stack, windows: Tensor, *, backward: bool) -> tuple[Tensor, ...]:
    """Split token ids (windows, length) into pieces that run well and fit, in order.

    The size follows from the model, the length and the machine alone, never from the memory that happens to
    be free: sums of another grouping round differently, and two runs of one recipe must give the same bits.
    """
    device = stack.model.device
    length = windows.shape[1]
    enough = -(-_ENOUGH_TOKENS.get(device.type, 8192) // length)
    fitting = int(_MEMORY_SHARE * _spare_memory(stack.model, device)) // (
        length * _bytes_per_token(stack, backward=backward)
    )
    return torch.split(windows, max(1, min(enough, fitting)))


def _spare_memory(model: torch.nn.Module, device: torch.device) -> int:
    """What the device has beside the model's weights, in bytes."""
    total = (
        torch.cuda.get_device_properties(device).total_memory
        if device.type == "cuda"
        else psutil.virtual_memory().total
    )
    return total - sum(parameter.nbytes for parameter in model.parameters())


def _bytes_per_token(stack: Stack, *, backward: bool) -> int:
    """Activations of one token: of all layers and the logits for a backward pass, else of one block."""
    config = stack.model.config.get_text_config()
    # Whatever is pruned of them, they all run.
    blocks = stack.blocks if backward else stack.blocks[:1]
    layers = (layer for block in blocks for layer in linear_layers(block.module, block.name))
    # Each layer's input and output, and about as much again in norms, activation functions and residuals.
    features = 2 * sum(layer.inputs + layer.outputs for layer in layers)
    # The logits and their gradient.
    logits = 2 * config.vocab_size if backward else 0
    return 4 * (features + logits)
