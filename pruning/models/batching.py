"""The micro-batch: how many windows run through the model at once."""

import torch
from torch import Tensor

from pruning.estimate.memory import block_activations
from pruning.models.blocks import Stack
from pruning.models.shapes import whole_block
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


def micro_batch(
    stack: Stack,
    length: int,
    device: torch.device,
    *,
    blocks_at_once: int,
    dtype: torch.dtype = torch.float32,
) -> int:
    """Return how many windows of `length` tokens run together; at least one.

    `blocks_at_once`: the number of blocks whose activations are held. The result depends only on the model,
    the length and the machine's total memory, never on what is free: other groupings round sums differently,
    and two runs of one recipe must give the same bits.
    """
    weights = sum(parameter.nbytes for parameter in stack.model.parameters())
    held = weights * blocks_at_once / len(stack.blocks)
    return windows_that_fit(
        held, length, device, bytes_per_token(stack, dtype, blocks_at_once=blocks_at_once)
    )


def windows_that_fit(held: float, length: int, device: torch.device, activations: float) -> int:
    """Return how many windows of `length` tokens run together where `held` bytes are taken; at least one.

    `activations`: the bytes that a token takes.
    """
    enough = -(-_ENOUGH_TOKENS.get(device.type, 8192) // length)
    spare = _MEMORY_SHARE * (total_memory(device) - held)
    return max(1, min(enough, int(spare / (length * activations))))


def bytes_per_token(stack: Stack, dtype: torch.dtype, *, blocks_at_once: int) -> float:
    """Return the activations per token that the largest blocks hold until their backward pass."""
    config, name = stack.model.config.get_text_config(), str(dtype).removeprefix("torch.")
    # Every block runs, whichever layers are selected.
    shapes = (whole_block(block, config) for block in stack.blocks)
    each = sorted(block_activations(shape, config.hidden_size, name) for shape in shapes)
    return sum(each[-blocks_at_once:])
