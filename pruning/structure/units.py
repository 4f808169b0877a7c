"""The units of a block that can be taken out, and where its parameters hold them.

Layers are known by their names in transformers, which few families vary. What the names do not say, such as
a norm over all heads, shows when the smaller model's shapes are compared (`plan`), and when the smaller model
is compared with the masked one (`check`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from pruning.errors import InvalidInput
from pruning.models.blocks import Block, Stack, find_stack
from pruning.models.layers import (
    ExpertLayer,
    LinearLayer,
    ModuleLayer,
    holds_fused_experts,
    linear_layers,
)
from pruning.recipe import UNIT_KINDS, UnitKind
from pruning.structure.experts import find_experts
from pruning.structure.slices import Slice, Units, refused

# A block's last layer of an MLP, by the names of the layers that produce its inputs.
_MLPS = (
    ("down_proj", ("gate_proj", "up_proj")),
    ("down_proj", ("gate_up_proj",)),
    ("down_proj", ("up_proj",)),
    ("c_proj", ("c_fc",)),
    ("fc2", ("fc1",)),
    ("fc_out", ("fc_in",)),
    ("dense_4h_to_h", ("dense_h_to_4h",)),
)
# An attention's last layer, by the names of its queries, keys and values.
_ATTENTIONS = (
    ("o_proj", ("q_proj", "k_proj", "v_proj")),
    ("out_proj", ("q_proj", "k_proj", "v_proj")),
    ("dense", ("q_proj", "k_proj", "v_proj")),
    ("o_proj", ("qkv_proj",)),
)
_GATE_AND_UP = "gate_up_proj"


@dataclass(frozen=True)
class ReadUnits(Units):
    """The units of one kind in one block that one layer reads."""

    consumer: LinearLayer  # its inputs are the units, one after the other; its own slice is the last

    @property
    def width(self) -> int:
        """The consumer's inputs that make up one unit."""
        return self.consumer.inputs // self.count

    @property
    def readers(self) -> tuple[LinearLayer, ...]:
        return (self.consumer,)

    def mask(self, gone: Tensor) -> None:
        matrix = self.consumer.matrix
        matrix[:, self.slices[-1].positions(gone).to(matrix.device)] = 0


@dataclass(frozen=True)
class ExpertChannels(Units):
    """The MLP channels of all routed experts of one block, expert by expert."""

    name: str  # of the module that runs the experts
    experts: tuple[ReadUnits, ...]

    @property
    def in_config(self) -> int:
        return self.experts[0].count

    @property
    def readers(self) -> tuple[LinearLayer, ...]:
        return tuple(own.consumer for own in self.experts)

    def places(self, units: Tensor) -> Iterator[tuple[Slice, Tensor]]:
        for own, of_expert in self.by_expert(units):
            yield from own.places(of_expert)

    def mask(self, gone: Tensor) -> None:
        for own, of_expert in self.by_expert(gone):
            own.mask(of_expert)

    def by_expert(self, units: Tensor) -> Iterator[tuple[ReadUnits, Tensor]]:
        """Yield each expert's channels, with the numbers that some of the units have among them."""
        for number, own in enumerate(self.experts):
            first = number * own.count
            yield own, units[(units >= first) & (units < first + own.count)] - first


def find_units(stack: Stack, kind: UnitKind) -> tuple[Units | None, ...]:
    """Return the units of a kind in each block; None for a block without experts.

    Where some blocks have experts, MLP channels are those of the experts. The model may be on the meta
    device. Raises InvalidInput(field='structure.<kind>') with the reason where there are none, or not as many
    in each block.
    """
    found: tuple[Units | None, ...]
    if kind == "experts":
        found = tuple(find_experts(stack.model, block) for block in stack.blocks)
        if not any(found):
            raise refused(stack.model, kind, "its blocks have no experts of a kind that is known")
    elif kind == "mlp_channels" and any(map(_has_experts, stack.blocks)):
        found = tuple(_expert_channels(block) for block in stack.blocks)
    else:
        found = tuple(read_units_of(stack.model, block, kind) for block in stack.blocks)
    _refuse_several_counts(stack, [units for units in found if units is not None])
    return found


def read_units_of(model: PreTrainedModel, block: Block, kind: UnitKind) -> ReadUnits:
    """Return the channels of a block's MLP, or its KV groups. Raises InvalidInput."""
    return _mlp_channels(model, block) if kind == "mlp_channels" else _kv_groups(model, block)


def _refuse_several_counts(stack: Stack, found: Sequence[Units]) -> None:
    counts = sorted({units.in_config for units in found})
    if len(counts) > 1 or len({units.count for units in found}) > 1:
        raise refused(stack.model, found[0].kind, f"its blocks have {counts}, and one config has one number")


def _mlp_channels(model: PreTrainedModel, block: Block) -> ReadUnits:
    layers = _layers_by_name(model, block, "mlp_channels")
    for siblings in _by_parent(layers).values():
        for last, first in _MLPS:
            if last in siblings and all(name in siblings for name in first):
                consumer, producers = siblings[last], [siblings[name] for name in first]
                count = consumer.inputs
                each = torch.arange(count)[:, None]
                parts = (each, each + count) if first == (_GATE_AND_UP,) else (each,)
                if any(layer.outputs != count * len(parts) for layer in producers):
                    break
                slices = [place for layer in producers for place in _outputs(layer, parts)]
                return ReadUnits("mlp_channels", count, (*slices, _inputs(consumer, each)), consumer)
    raise refused(model, "mlp_channels", f"{block.name} has no MLP whose layers have known names")


def _has_experts(block: Block) -> bool:
    return any(map(holds_fused_experts, block.module.modules()))


def _expert_channels(block: Block) -> ExpertChannels | None:
    """Return the channels of a block's experts, of whatever family; None for a block without experts."""
    by_expert: dict[int, list[ExpertLayer]] = {}
    for layer in linear_layers(block.module, block.name):
        if isinstance(layer, ExpertLayer):
            by_expert.setdefault(layer.expert, []).append(layer)
    if not by_expert:
        return None
    experts = tuple(_channels_of_expert(layers) for layers in by_expert.values())
    name = by_expert[0][0].name.rsplit(".", 2)[0]
    places = tuple(place for own in experts for place in own.slices)
    return ExpertChannels("mlp_channels", sum(own.count for own in experts), places, name, experts)


def _channels_of_expert(layers: Sequence[ExpertLayer]) -> ReadUnits:
    """Return the channels of one expert."""
    *producers, consumer = layers
    module, expert, count = consumer.module, consumer.expert, consumer.inputs
    outputs, inputs = (1, 0) if module.is_transposed else (0, 1)
    written: dict[str, tuple[Tensor, ...]] = {}
    for layer in producers:
        rows = torch.arange(layer.parameter.shape[1 + outputs])[layer.rows]
        written[layer.parameter_name] = (*written.get(layer.parameter_name, ()), rows[:, None])
    slices = [Slice(name, outputs, parts, expert) for name, parts in written.items()]
    if module.has_bias:
        slices += [Slice(f"{name}_bias", 0, parts, expert) for name, parts in written.items()]
    read = Slice(consumer.parameter_name, inputs, (torch.arange(count)[:, None],), expert)
    return ReadUnits("mlp_channels", count, (*slices, read), consumer)


def _kv_groups(model: PreTrainedModel, block: Block) -> ReadUnits:
    heads, groups = _heads(model.config.get_text_config())
    layers = _layers_by_name(model, block, "kv_groups")
    for siblings in _by_parent(layers).values():
        for last, first in _ATTENTIONS:
            if last in siblings and all(name in siblings for name in first):
                consumer = siblings[last]
                size, together = consumer.inputs // heads, heads // groups
                queries = torch.arange(heads * size).view(groups, together * size)
                keys = torch.arange(groups * size).view(groups, size)
                of_layer: dict[str, tuple[Tensor, ...]] = {
                    "q_proj": (queries,),
                    "k_proj": (keys,),
                    "v_proj": (keys,),
                    "qkv_proj": (queries, keys + heads * size, keys + (heads + groups) * size),
                }
                if any(siblings[name].outputs != _positions(of_layer[name]) for name in first):
                    break
                slices = [place for name in first for place in _outputs(siblings[name], of_layer[name])]
                return ReadUnits("kv_groups", groups, (*slices, _inputs(consumer, queries)), consumer)
    raise refused(
        model,
        "kv_groups",
        f"{block.name} has no attention with separate queries, keys and values of known names",
    )


def _heads(config: Any) -> tuple[int, int]:  # noqa: ANN401 - of many classes
    heads: int = config.num_attention_heads
    return heads, getattr(config, "num_key_value_heads", None) or heads


def _positions(parts: tuple[Tensor, ...]) -> int:
    return sum(part.numel() for part in parts)


def _layers_by_name(model: PreTrainedModel, block: Block, kind: UnitKind) -> Mapping[str, ModuleLayer]:
    """Return the block's layers by name. Raises InvalidInput for experts in place of an MLP."""
    layers = linear_layers(block.module, block.name)
    if kind == "mlp_channels" and any(isinstance(layer, ExpertLayer) for layer in layers):
        raise refused(model, kind, f"the MLP of {block.name} is split into experts")
    return {layer.name: layer for layer in layers if isinstance(layer, ModuleLayer)}


def _by_parent(layers: Mapping[str, ModuleLayer]) -> dict[str, dict[str, ModuleLayer]]:
    parents: dict[str, dict[str, ModuleLayer]] = {}
    for name, layer in layers.items():
        parent, _, own = name.rpartition(".")
        parents.setdefault(parent, {})[own] = layer
    return parents


def _outputs(layer: ModuleLayer, parts: tuple[Tensor, ...]) -> Iterator[Slice]:
    yield Slice(layer.parameter_name, 0 if isinstance(layer.module, nn.Linear) else 1, parts)
    if isinstance(layer.module.bias, nn.Parameter):
        yield Slice(f"{layer.name}.bias", 0, parts)


def _inputs(layer: ModuleLayer, part: Tensor) -> Slice:
    return Slice(layer.parameter_name, 1 if isinstance(layer.module, nn.Linear) else 0, (part,))


def consumers(model: PreTrainedModel) -> Iterator[LinearLayer]:
    """Yield the layers that read units, of every kind that the model has but experts, block by block."""
    stack = find_stack(model)
    found: list[tuple[Units | None, ...]] = []
    for kind in UNIT_KINDS:
        if kind != "experts":
            with suppress(InvalidInput):
                found.append(find_units(stack, kind))
    for of_block in zip(*found, strict=True):
        for units in of_block:
            yield from () if units is None else units.readers
