"""How many windows go through a model at once."""

import psutil
import torch
from torch import Tensor

from pruning.model.blocks import Block, Stack
from pruning.model.layers import linear_layers

# Matrix products of this many rows run at full speed; more only costs memory.
_ENOUGH_TOKENS = {"cpu": 1024, "cuda": 8192}
_MEMORY_SHARE = 0.5


def micro_batches(
    stack: Stack, windows: Tensor, *, backward: bool, device: torch.device | None = None
) -> tuple[Tensor, ...]:
    """Split token ids (windows, length) into pieces that run well and fit, in order. See `micro_batch`."""
    blocks = len(stack.blocks) if backward else 1
    device = device or stack.model.device
    return torch.split(windows, micro_batch(stack, windows.shape[1], device, blocks_at_once=blocks))


def micro_batch(stack: Stack, length: int, device: torch.device, *, blocks_at_once: int) -> int:
    """How many windows of `length` tokens go through the blocks together, at least one.

    `blocks_at_once`: of how many the activations are held. The number follows from the model, the length and
    the machine alone, never from the memory that happens to be free: sums of another grouping round
    differently, and two runs of one recipe must give the same bits.
    """
    enough = -(-_ENOUGH_TOKENS.get(device.type, 8192) // length)
    # Whatever is pruned of them, they all run.
    activations = sum(sorted(map(_bytes_per_token, stack.blocks))[-blocks_at_once:])
    weights = sum(parameter.nbytes for parameter in stack.model.parameters())
    spare = _MEMORY_SHARE * (memory_of(device) - weights * blocks_at_once / len(stack.blocks))
    return max(1, min(enough, int(spare / (length * activations))))


def memory_of(device: torch.device) -> int:
    """What there is in all, in bytes."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(psutil.virtual_memory().total)


def _bytes_per_token(block: Block) -> int:
    """Of the block's activations: each layer's input and output, and about as much again in norms, activation
    functions and residuals.
    """
    layers = linear_layers(block.module, block.name)
    return 4 * 2 * sum(layer.inputs + layer.outputs for layer in layers)
