"""KV groups: attention heads that share a key and a value, with all of their query heads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from pruning.models.blocks import Block, Stack
from pruning.recipe.units import KV_GROUPS
from pruning.structure.units import ReadUnits, inputs_of, layers_around, outputs_of, refused


@dataclass(frozen=True)
class KvGroups(ReadUnits):
    """The KV groups of one block, which the attention's output projection reads."""

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


def find_kv_groups(stack: Stack) -> tuple[KvGroups, ...]:
    """Return the KV groups of each block. Raises InvalidInput(field='structure.kv_groups')."""
    return tuple(kv_groups_of(stack.model, block) for block in stack.blocks)


def kv_groups_of(model: PreTrainedModel, block: Block) -> KvGroups:
    """Return the KV groups of one block. Raises InvalidInput(field='structure.kv_groups')."""
    config = model.config.get_text_config()
    heads: int = config.num_attention_heads
    groups = getattr(config, "num_key_value_heads", None) or heads
    for names, consumer, writers in layers_around(block, KV_GROUPS):
        size, together = consumer.inputs // heads, heads // groups
        queries = torch.arange(heads * size).view(groups, together * size)
        keys = torch.arange(groups * size).view(groups, size)
        of_layer: dict[str, tuple[Tensor, ...]] = {
            "q_proj": (queries,),
            "k_proj": (keys,),
            "v_proj": (keys,),
            "qkv_proj": (queries, keys + heads * size, keys + (heads + groups) * size),
        }
        parts = [of_layer[name] for name in names.writers]
        sizes = [sum(part.numel() for part in of_one) for of_one in parts]
        if sizes == [layer.outputs for layer in writers]:
            slices = [
                place
                for layer, of_one in zip(writers, parts, strict=True)
                for place in outputs_of(layer, of_one)
            ]
            return KvGroups(KV_GROUPS.name, groups, (*slices, inputs_of(consumer, queries)), consumer)
    raise refused(
        model,
        KV_GROUPS.name,
        f"{block.name} has no attention with separate queries, keys and values of known names",
    )
