"""KV heads: the key and value heads of attention, with all query heads that use them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from pruning.models.blocks import Block, Stack
from pruning.recipe.units import KV_HEADS
from pruning.structure.units import ReadUnits, inputs_of, layers_around, outputs_of, refused


@dataclass(frozen=True)
class KvHeads(ReadUnits):
    """The KV heads of one block, which the attention's output projection reads."""

    def config_after(self, kept: int, config: PretrainedConfig, values: Mapping[str, Any]) -> dict[str, Any]:
        del values  # the fields are written even where config.json left them out
        together = config.num_attention_heads // self.count
        heads = config.attribute_map.get("num_attention_heads", "num_attention_heads")
        fields = {heads: kept * together}
        if getattr(config, "num_key_value_heads", None) is not None:
            fields["num_key_value_heads"] = kept
        return fields | {"head_dim": self.width // together}

    def reason_unbuildable(self, values: Mapping[str, Any], config: PretrainedConfig) -> str | None:
        heads, hidden = values.get("num_attention_heads", 1), config.hidden_size
        return f"its config refuses {heads} heads for a hidden size of {hidden}" if hidden % heads else None


def find_kv_heads(stack: Stack) -> tuple[KvHeads, ...]:
    """Return the KV heads of each block. Raises InvalidInput(field='structure.kv_heads')."""
    return tuple(kv_heads_of(stack.model, block) for block in stack.blocks)


def kv_heads_of(model: PreTrainedModel, block: Block) -> KvHeads:
    """Return the KV heads of one block. Raises InvalidInput(field='structure.kv_heads')."""
    config = model.config.get_text_config()
    heads: int = config.num_attention_heads
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    for names, consumer, writers in layers_around(block, KV_HEADS):
        size, together = consumer.inputs // heads, heads // kv_heads
        queries = torch.arange(heads * size).view(kv_heads, together * size)
        keys = torch.arange(kv_heads * size).view(kv_heads, size)
        of_layer: dict[str, tuple[Tensor, ...]] = {
            "q_proj": (queries,),
            "k_proj": (keys,),
            "v_proj": (keys,),
            "qkv_proj": (queries, keys + heads * size, keys + (heads + kv_heads) * size),
        }
        parts = [of_layer[name] for name in names.writers]
        sizes = [sum(part.numel() for part in of_one) for of_one in parts]
        if sizes == [layer.outputs for layer in writers]:
            slices = [
                place
                for layer, of_one in zip(writers, parts, strict=True)
                for place in outputs_of(layer, of_one)
            ]
            return KvHeads(KV_HEADS.name, kv_heads, (*slices, inputs_of(consumer, queries)), consumer)
    raise refused(
        model,
        KV_HEADS.name,
        f"{block.name} has no attention with separate queries, keys and values of known names",
    )
