"""The exact shape of a loaded model, for estimates of time and memory, whatever its architecture.

Where only a config.json is known, `pruning.estimate.architectures` derives the same for common families.
"""

from pruning.estimate import BlockShape, Matrix, ModelShape
from pruning.model.blocks import Block, Stack
from pruning.model.layers import ExpertLayer, LinearLayer


def shape_of(stack: Stack, *, stored_dtype: str) -> ModelShape:
    """Return the shape of a model, which may be on the meta device: no weight is read.

    `stored_dtype`: of the checkpoint, such as "bfloat16".
    """
    config = stack.model.config.get_text_config()
    in_blocks = sum(parameter.numel() for block in stack.blocks for parameter in block.module.parameters())
    heads = getattr(config, "num_attention_heads", 1)
    head_size = getattr(config, "head_dim", None) or config.hidden_size // heads
    experts_per_token = getattr(config, "num_experts_per_tok", None) or 1
    return ModelShape(
        architecture=type(stack.model).__name__,
        hidden=config.hidden_size,
        vocabulary=config.vocab_size,
        context=getattr(config, "max_position_embeddings", None),
        blocks=tuple(_block(block, heads * head_size, experts_per_token) for block in stack.blocks),
        embeddings=sum(parameter.numel() for parameter in stack.model.parameters()) - in_blocks,
        stored_dtype=stored_dtype,
    )


def _block(block: Block, attention: int, experts_per_token: int) -> BlockShape:
    return BlockShape(tuple(_matrix(layer, experts_per_token) for layer in block.layers), attention)


def _matrix(layer: LinearLayer, experts_per_token: int) -> Matrix:
    """Assume that layers of one module with the same number of inputs share their input."""
    parent = layer.name.rpartition(".")[0]
    share = min(1.0, experts_per_token / len(layer.parameter)) if isinstance(layer, ExpertLayer) else 1.0
    return Matrix(layer.outputs, layer.inputs, given=f"{parent}:{layer.inputs}", share=share)
