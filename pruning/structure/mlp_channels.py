"""MLP channels: the inputs of an MLP's last layer, or of the last layer of each routed expert."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from pruning.models.blocks import Block, Stack
from pruning.models.layers import ExpertLayer, holds_fused_experts, linear_layers
from pruning.recipe.units import MLP_CHANNELS
from pruning.structure.units import ReadUnits, Slice, Units, inputs_of, layers_around, outputs_of, refused

_WIDTHS = ("intermediate_size", "ffn_dim", "n_inner")
_EXPERT_WIDTHS = ("moe_intermediate_size",)  # where dense MLPs have a width of their own
_FUSED_WRITERS = ("gate_up_proj",)  # its outputs are the gates of all channels, then their other factors
_ALIGNMENT = 8  # of an expert's width: torch's grouped product takes rows of whole 16 bytes


@dataclass(frozen=True)
class MlpChannels(ReadUnits):
    """The channels of one MLP."""

    def config_after(self, kept: int, config: PretrainedConfig, values: Mapping[str, Any]) -> dict[str, Any]:
        del values  # a width is written even where config.json left it out
        return _widths_after(kept, self.count, config, _WIDTHS)


@dataclass(frozen=True)
class ExpertChannels(Units):
    """The MLP channels of all routed experts of one block, expert by expert."""

    name: str  # of the module that runs the experts
    experts: tuple[ReadUnits, ...]

    @property
    def in_config(self) -> int:
        return self.experts[0].count

    @property
    def by_reader(self) -> tuple[ReadUnits, ...]:
        return self.experts

    def reason_against(self, kept: int) -> str | None:
        if kept % _ALIGNMENT:
            return f"transformers multiplies experts whose width is a multiple of {_ALIGNMENT}"
        return None

    def places(self, units: Tensor) -> Iterator[tuple[Slice, Tensor]]:
        for own, of_expert in self.by_expert(units):
            yield from own.places(of_expert)

    def mask(self, units: Tensor) -> None:
        for own, of_expert in self.by_expert(units):
            own.mask(of_expert)

    def by_expert(self, units: Tensor) -> Iterator[tuple[ReadUnits, Tensor]]:
        """Yield each expert's channels, with the numbers that some of the units have among them."""
        for number, own in enumerate(self.experts):
            first = number * own.count
            yield own, units[(units >= first) & (units < first + own.count)] - first

    def config_after(self, kept: int, config: PretrainedConfig, values: Mapping[str, Any]) -> dict[str, Any]:
        del values  # a width is written even where config.json left it out
        apart = any(hasattr(config, name) for name in _EXPERT_WIDTHS)
        return _widths_after(kept, self.in_config, config, _EXPERT_WIDTHS if apart else _WIDTHS)


def _widths_after(kept: int, dense: int, config: PretrainedConfig, names: Sequence[str]) -> dict[str, Any]:
    widths = {name: getattr(config, name, ...) for name in names}
    return {
        name: kept
        for name, width in widths.items()
        if width == dense or (width is None and name == "n_inner")
    }


def find_mlp_channels(stack: Stack) -> tuple[MlpChannels | ExpertChannels | None, ...]:
    """Return the MLP channels of each block; where some blocks have experts, the channels of these alone.

    Raises InvalidInput(field='structure.mlp_channels').
    """
    modules = (module for block in stack.blocks for module in block.module.modules())
    if any(map(holds_fused_experts, modules)):
        return tuple(_expert_channels(block) for block in stack.blocks)
    return tuple(mlp_channels_of(stack.model, block) for block in stack.blocks)


def mlp_channels_of(model: PreTrainedModel, block: Block) -> MlpChannels:
    """Return the channels of a block's MLP. Raises InvalidInput(field='structure.mlp_channels')."""
    if any(isinstance(layer, ExpertLayer) for layer in linear_layers(block.module, block.name)):
        raise refused(model, MLP_CHANNELS.name, f"the MLP of {block.name} is split into experts")
    for names, consumer, producers in layers_around(block, MLP_CHANNELS):
        count = consumer.inputs
        each = torch.arange(count)[:, None]
        parts = (each, each + count) if names.writers == _FUSED_WRITERS else (each,)
        if all(layer.outputs == count * len(parts) for layer in producers):
            slices = [place for layer in producers for place in outputs_of(layer, parts)]
            return MlpChannels(MLP_CHANNELS.name, count, (*slices, inputs_of(consumer, each)), consumer)
    raise refused(model, MLP_CHANNELS.name, f"{block.name} has no MLP whose layers have known names")


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
    return ExpertChannels(MLP_CHANNELS.name, sum(own.count for own in experts), places, name, experts)


def _channels_of_expert(layers: Sequence[ExpertLayer]) -> MlpChannels:
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
    return MlpChannels(MLP_CHANNELS.name, count, (*slices, read), consumer)
