"""The channels of a block whose order makes no difference, and where its parameters hold them.

An MLP computes the same whatever the order of its channels, if the layers that write them and the one that
reads them agree; and so does an attention whatever the order of the channels of a value head, if all query
heads that use it agree. Where they are is known as for a cut: see `pruning.structure.units`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.checkpoint.layout import StoredLayout
from pruning.errors import InvalidInput
from pruning.methods.permutations.orders import AxisOrder
from pruning.models.blocks import Block, Stack
from pruning.models.layers import LinearLayer
from pruning.recipe import CHANNEL_KINDS, ChannelKind, Recipe, group_of
from pruning.structure.kv_groups import kv_groups_of
from pruning.structure.mlp_channels import mlp_channels_of
from pruning.structure.units import Slice


@dataclass(frozen=True)
class Place:
    """Where one parameter holds the channels: along one of its dimensions."""

    parameter: str  # its name in the model
    dimension: int
    size: int  # of that dimension
    positions: Tensor  # int64 (sets, copies, channels)


@dataclass(frozen=True)
class Channels:
    """The channels of one kind in one block: sets of which each may have an order of its own.

    All channels of an MLP are one set; those of a value head are one, with a copy in the consumer for each of
    its query heads.
    """

    kind: ChannelKind
    consumer: LinearLayer  # the layer that reads them
    places: tuple[Place, ...]  # the consumer's own is the last

    def scores(self, of_consumer: Tensor) -> list[Tensor]:
        """Return each set's scores, (rows, channels): one row for each of the consumer's, and each copy.

        `of_consumer`: (outputs, inputs).
        """
        positions = self.places[-1].positions.to(of_consumer.device)
        return [of_consumer[:, one].flatten(0, 1) for one in positions]

    def orders(self, of_sets: Sequence[Tensor]) -> dict[str, AxisOrder]:
        """Return how parameters are reordered for an order of each set, int64 (channels,)."""
        order = torch.stack(list(of_sets)).cpu()
        found = {}
        for place in self.places:
            index = torch.arange(place.size)
            index[place.positions] = place.positions.gather(2, order[:, None].expand_as(place.positions))
            found[place.parameter] = AxisOrder(place.dimension, index)
        return found


@dataclass(frozen=True)
class BlockChannels:
    """The channels of one block that a recipe can put in another order, and why others stay."""

    found: tuple[Channels, ...] = ()  # attention first, as a block computes
    reasons: tuple[tuple[ChannelKind, str], ...] = ()


def find_channels(stack: Stack, recipe: Recipe) -> tuple[BlockChannels, ...]:
    """Return the channels of each block of which the recipe prunes the layer that reads them.

    The model may be without weights. Raises InvalidInput(field='permute') where there are none in any block.
    """
    blocks = tuple(_channels_of(stack.model, block, recipe) for block in stack.blocks)
    if not any(block.found for block in blocks):
        reasons = {f"{kind}: {reason}" for block in blocks for kind, reason in block.reasons}
        why = "; ".join(sorted(reasons)) or "no layer that reads some is pruned"
        raise InvalidInput(
            f"{type(stack.model).__name__} has no channels whose order is known to make no difference "
            f"({why}); leave permute out",
            field="permute",
        )
    return blocks


def refuse_unwritable(stack: Stack, recipe: Recipe, layout: StoredLayout) -> None:
    """Raise InvalidInput where the recipe moves channels that the checkpoint cannot hold in another order."""
    for block in find_channels(stack, recipe):
        for place in (place for channels in block.found for place in channels.places):
            layout.name_of(place.parameter, place.dimension)


def _channels_of(model: PreTrainedModel, block: Block, recipe: Recipe) -> BlockChannels:
    pruned, size = {layer.name for layer in block.layers}, _group_size(recipe)
    found, reasons = [], []
    for kind in CHANNEL_KINDS:
        try:
            channels = _mlp(model, block) if kind == "mlp_channels" else _values(model, block)
        except InvalidInput:
            reasons.append((kind, _UNKNOWN[kind]))
            continue
        count = channels.places[-1].positions.shape[2]
        if channels.consumer.name not in pruned:
            continue
        if count % size:
            reasons.append((kind, f"{size} does not divide their number, {count}"))
        else:
            found.append(channels)
    return BlockChannels(tuple(found), tuple(reasons))


_UNKNOWN: dict[ChannelKind, str] = {
    "mlp_channels": "no MLP of layers with known names, or one that is split into experts",
    "value_channels": "no attention with queries, keys and values of known names",
}


def _group_size(recipe: Recipe) -> int:
    group = group_of(recipe.pattern)
    assert group is not None  # noqa: S101 - the recipe refuses to permute without one
    return group[1]


def _mlp(model: PreTrainedModel, block: Block) -> Channels:
    units = mlp_channels_of(model, block)
    places = [
        _place(model, place, torch.stack([part[:, 0] for part in place.parts])[None])
        for place in units.slices
    ]
    return Channels("mlp_channels", units.consumer, tuple(places))


def _values(model: PreTrainedModel, block: Block) -> Channels:
    units = kv_groups_of(model, block)
    *written, read = units.slices
    places = []
    for place in written:
        layer = place.parameter.rsplit(".", 2)[-2]
        if layer in _VALUES:
            places.append(_place(model, place, place.parts[_VALUES[layer]][:, None]))
    width = places[0].positions.shape[2]
    (queries,) = read.parts
    places.append(_place(model, read, queries.view(units.count, -1, width)))
    return Channels("value_channels", units.consumer, tuple(places))


# Layers that write values, with the part of their outputs that is values.
_VALUES = {"v_proj": 0, "qkv_proj": 2}


def _place(model: PreTrainedModel, place: Slice, positions: Tensor) -> Place:
    size = model.get_parameter(place.parameter).shape[place.dimension]
    return Place(place.parameter, place.dimension, size, positions)
