"""What a loaded model takes in memory: its exact shape, and the micro-batches that fit.

Where only a config.json is known, `pruning.estimate.architectures` derives the shape for common families.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from pruning.estimate import BlockShape, Matrix, ModelShape
from pruning.estimate.memory import block_activations
from pruning.estimate.pieces import FULL_SPEED_TOKENS
from pruning.models.blocks import Block, Stack, parameter_count
from pruning.models.layers import ExpertLayer, LinearLayer, linear_layers
from pruning.models.placement import Placement
from pruning.runtime.device import dtype_name, total_memory
from pruning.runtime.process_memory import free_memory


def shape_of(stack: Stack, *, stored_dtype: str) -> ModelShape:
    """Return the shape of a model, which may be on the meta device: no weight is read.

    `stored_dtype`: of the checkpoint, such as "bfloat16".
    """
    config = stack.model.config.get_text_config()
    heads, head_size = _heads(config)
    in_blocks = sum(map(parameter_count, stack.modules))
    return ModelShape(
        model_type=config.model_type,
        hidden=config.hidden_size,
        vocabulary=config.vocab_size,
        context=getattr(config, "max_position_embeddings", None),
        blocks=tuple(
            _block(block.layers, config.hidden_size, heads * head_size, _experts_per_token(config))
            for block in stack.blocks
        ),
        embeddings=parameter_count(stack.model) - in_blocks,
        stored_dtype=stored_dtype,
        key_value_heads=getattr(config, "num_key_value_heads", None) or heads,
    )


def full_block_shape(block: Block, config: Any) -> BlockShape:  # noqa: ANN401 - of many classes
    """Return the shape of a block with all of its linear layers, whichever are selected."""
    heads, head_size = _heads(config)
    layers = linear_layers(block.module, block.name)
    return _block(layers, config.hidden_size, heads * head_size, _experts_per_token(config))


def _heads(config: Any) -> tuple[int, int]:  # noqa: ANN401 - of many classes
    """Return the number of heads and their size."""
    heads = getattr(config, "num_attention_heads", 1)
    return heads, getattr(config, "head_dim", None) or config.hidden_size // heads


def _experts_per_token(config: Any) -> int:  # noqa: ANN401 - of many classes
    return getattr(config, "num_experts_per_tok", None) or 1


def _block(layers: Sequence[LinearLayer], hidden: int, attention: int, experts_per_token: int) -> BlockShape:
    """Assume that layers of one module with the same number of inputs share their input.

    Except a module's last one, if its outputs are hidden states: its input is computed by the module.
    """
    copies = Counter(map(_name_without_expert, layers))
    last = {_module_of(name): name for name in copies}
    matrices = []
    for name, layer in {_name_without_expert(layer): layer for layer in layers}.items():
        module = _module_of(name)
        returns = name == last[module] and layer.outputs == hidden
        given = name if returns else f"{module}:{layer.inputs}"
        share = min(1.0, experts_per_token / len(layer.parameter)) if isinstance(layer, ExpertLayer) else 1.0
        matrices.append(Matrix(layer.outputs, layer.inputs, given, copies[name], share))
    return BlockShape(tuple(matrices), attention)


def _name_without_expert(layer: LinearLayer) -> str:
    """Return the name that the equal matrices of all experts have in common; of other layers, their own."""
    if not isinstance(layer, ExpertLayer):
        return layer.name
    module, _, matrix = layer.name.rsplit(".", 2)
    return f"{module}.{matrix}"


def _module_of(name: str) -> str:
    return name.rpartition(".")[0]


_ACTIVATIONS_SHARE = 0.5  # of the memory that weights and sums leave


def micro_batches(stack: Stack, windows: Tensor, device: torch.device) -> tuple[Tensor, ...]:
    """Split token ids (windows, length) into micro-batches, in order; see `micro_batch`."""
    return torch.split(windows, micro_batch(stack, windows.shape[1], device))


def micro_batch(stack: Stack, length: int, device: torch.device, dtype: torch.dtype = torch.float32) -> int:
    """Return how many windows of `length` tokens go through a block together; at least one.

    The result depends only on the model, the length and the machine's total memory, never on free memory:
    other groupings round sums differently, and two runs of one recipe must give the same bits.
    """
    weights = sum(parameter.nbytes for parameter in stack.model.parameters())
    activations = bytes_per_token(stack, dtype, blocks_at_once=1)
    return windows_that_fit(weights / len(stack.blocks), length, device, activations)


def windows_that_fit(held: float, length: int, device: torch.device, activations: float) -> int:
    """Return how many windows of `length` tokens run together where `held` bytes are in use; at least one.

    `activations`: the bytes that a token takes.
    """
    enough = -(-FULL_SPEED_TOKENS.get(device.type, 8192) // length)
    spare = _ACTIVATIONS_SHARE * (total_memory(device) - held)
    return max(1, min(enough, int(spare / (length * activations))))


def host_holds_states(placement: Placement, tokens: int) -> bool:
    """Whether the host has room for the hidden states of so many tokens."""
    features: int = placement.model.config.get_text_config().hidden_size
    return tokens * features * placement.dtype.itemsize <= free_memory()


def bytes_per_token(stack: Stack, dtype: torch.dtype, *, blocks_at_once: int) -> float:
    """Return the activations per token that the largest blocks hold until their backward pass."""
    config, name = stack.model.config.get_text_config(), dtype_name(dtype)
    # All blocks run, whichever layers are selected.
    shapes = (full_block_shape(block, config) for block in stack.blocks)
    each = sorted(block_activations(shape, config.hidden_size, name) for shape in shapes)
    return sum(each[-blocks_at_once:])
