"""The exact shape of a loaded model, for estimates of time and memory, for any architecture.

Where only a config.json is known, `pruning.estimate.architectures` derives the same for common families.
"""

from collections.abc import Sequence
from typing import Any

from pruning.estimate import BlockShape, Matrix, ModelShape
from pruning.models.blocks import Block, Stack
from pruning.models.layers import ExpertLayer, LinearLayer, linear_layers


def shape_of(stack: Stack, *, stored_dtype: str) -> ModelShape:
    """Return the shape of a model, which may be on the meta device: no weight is read.

    `stored_dtype`: of the checkpoint, such as "bfloat16".
    """
    config = stack.model.config.get_text_config()
    heads, head_size = _heads(config)
    in_blocks = sum(parameter.numel() for block in stack.blocks for parameter in block.module.parameters())
    return ModelShape(
        architecture=type(stack.model).__name__,
        hidden=config.hidden_size,
        vocabulary=config.vocab_size,
        context=getattr(config, "max_position_embeddings", None),
        blocks=tuple(
            _block(block.layers, config.hidden_size, heads * head_size, _experts_per_token(config))
            for block in stack.blocks
        ),
        embeddings=sum(parameter.numel() for parameter in stack.model.parameters()) - in_blocks,
        stored_dtype=stored_dtype,
    )


def whole_block(block: Block, config: Any) -> BlockShape:  # noqa: ANN401 - of many classes
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

    Not a module's last one, if it leads back to the hidden states: it reads what the module has computed.
    """
    last = {_module_of(layer): layer.name for layer in layers}
    matrices = []
    for layer in layers:
        module = _module_of(layer)
        returns = layer.name == last[module] and layer.outputs == hidden
        share = min(1.0, experts_per_token / len(layer.parameter)) if isinstance(layer, ExpertLayer) else 1.0
        given = f"{layer.name}" if returns else f"{module}:{layer.inputs}"
        matrices.append(Matrix(layer.outputs, layer.inputs, given=given, share=share))
    return BlockShape(tuple(matrices), attention)


def _module_of(layer: LinearLayer) -> str:
    return layer.name.rpartition(".")[0]
