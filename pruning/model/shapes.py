"""The shape of a model that is here, for estimates: exact, whatever its architecture."""

from pruning.estimate import BlockShape, Matrix, ModelShape
from pruning.model.blocks import Block, Stack
from pruning.model.layers import ExpertLayer, LinearLayer


def shape_of(stack: Stack, *, stored_dtype: str) -> ModelShape:
    """What `shape_of_config` gives for a config that it knows. A model without weights will do."""
    config = stack.model.config.get_text_config()
    inside = sum(parameter.numel() for block in stack.blocks for parameter in block.module.parameters())
    heads = getattr(config, "num_attention_heads", 1)
    head_size = getattr(config, "head_dim", None) or config.hidden_size // heads
    # Of fused experts, how many each token is sent to.
    chosen = getattr(config, "num_experts_per_tok", None) or 1
    return ModelShape(
        architecture=type(stack.model).__name__,
        hidden=config.hidden_size,
        vocabulary=config.vocab_size,
        context=getattr(config, "max_position_embeddings", None),
        blocks=tuple(_block(block, heads * head_size, chosen) for block in stack.blocks),
        embeddings=sum(parameter.numel() for parameter in stack.model.parameters()) - inside,
        stored_dtype=stored_dtype,
    )


def _block(block: Block, attention: int, chosen: int) -> BlockShape:
    return BlockShape(tuple(_matrix(layer, chosen) for layer in block.layers), attention)


def _matrix(layer: LinearLayer, chosen: int) -> Matrix:
    """Layers of one module with equally many inputs are taken to be given the same tensor."""
    path = layer.name.rpartition(".")[0]
    share = min(1.0, chosen / len(layer.parameter)) if isinstance(layer, ExpertLayer) else 1.0
    return Matrix(layer.outputs, layer.inputs, given=f"{path}:{layer.inputs}", share=share)
