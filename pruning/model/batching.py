"""The micro-batch: how many windows run through the model at once."""

import torch
from torch import Tensor

from pruning.model.blocks import Block, Stack
from pruning.model.layers import linear_layers
from pruning.runtime.device import total_memory

# Tokens at which matrix products reach full speed; more of them only cost memory.
_ENOUGH_TOKENS = {"cpu": 1024, "cuda": 8192}
_MEMORY_SHARE = 0.5


def micro_batches(
    stack: Stack, windows: Tensor, *, backward: bool, device: torch.device | None = None
) -> tuple[Tensor, ...]:
    """Split token ids (windows, length) into micro-batches, in order; see `micro_batch`."""
    blocks = len(stack.blocks) if backward else 1
    device = device or stack.model.device
    return torch.split(windows, micro_batch(stack, windows.shape[1], device, blocks_at_once=blocks))


def micro_batch(stack: Stack, length: int, device: torch.device, *, blocks_at_once: int) -> int:
    """Return how many windows of `length` tokens run together; at least one.

    `blocks_at_once`: the number of blocks whose activations are held. The result depends only on the model,
    the length and the machine's total memory, never on what is free: other groupings round sums differently,
    and two runs of one recipe must give the same bits.
    """
    enough = -(-_ENOUGH_TOKENS.get(device.type, 8192) // length)
    # Every block runs, whichever layers are selected.
    activations = sum(sorted(map(_bytes_per_token, stack.blocks))[-blocks_at_once:])
    weights = sum(parameter.nbytes for parameter in stack.model.parameters())
    spare = _MEMORY_SHARE * (total_memory(device) - weights * blocks_at_once / len(stack.blocks))
    return max(1, min(enough, int(spare / (length * activations))))


def _bytes_per_token(block: Block) -> int:
    """Estimate a block's activations, in float32: each layer's input and output, and as much again elsewhere.

    Elsewhere means norms, activation functions and residuals.
    """
    layers = linear_layers(block.module, block.name)
    return 4 * 2 * sum(layer.inputs + layer.outputs for layer in layers)
