"""Reorder the channels of a block, right before its masks, where an N:M pattern keeps more in another order.

An MLP computes the same whatever the order of its channels, if the layers that write them and the one that
reads them agree; and so does an attention whatever the order of the channels of a value head, if all query
heads that use it agree. Where a parameter holds them is known as for a cut: see `pruning.structure.units`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor
from transformers import PreTrainedModel

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.window_norms import GradientNorms
from pruning.checkpoint.layout import StoredLayout
from pruning.errors import InvalidInput
from pruning.methods import LayerStats, ScoringMethod, method_for
from pruning.methods.best_order import best_order
from pruning.models.blocks import Block, Stack
from pruning.models.layers import LinearLayer
from pruning.models.replay import is_rounding
from pruning.recipe import CHANNEL_KINDS, ChannelKind, Need, Recipe, group_of
from pruning.resume.hashed_file import ComputedTensors
from pruning.structure.kv_heads import kv_heads_of
from pruning.structure.mlp_channels import mlp_channels_of
from pruning.structure.units import Slice


@dataclass(frozen=True)
class AxisOrder:
    """How a parameter is reordered: position i along `dimension` gets what was at `index[i]`."""

    dimension: int
    index: Tensor  # int64 (size of the dimension,)

    def applied(self, tensor: Tensor) -> Tensor:
        """Return a tensor of the parameter's shape in the new order."""
        return tensor.index_select(self.dimension, self.index.to(tensor.device))

    @property
    def undone(self) -> "AxisOrder":
        """The order that leads back."""
        return AxisOrder(self.dimension, self.index.argsort())


Orders = Mapping[str, AxisOrder]
"""By the name of the parameter in the model."""


def put_in_order(block: Block, orders: Orders) -> None:
    """Reorder the parameters of a block, in place."""
    for name, order in orders.items():
        parameter = block.module.get_parameter(name.removeprefix(f"{block.name}.")).detach()
        parameter.copy_(order.applied(parameter))


def norms_in_order(norms: GradientNorms, layers: Sequence[LinearLayer], orders: Orders) -> GradientNorms:
    """Return the gradient norms of `layers` for their reordered weights, each when it is asked for."""
    moved = {layer.name: layer for layer in layers if layer.parameter_name in orders}

    def in_order(by_layer: Mapping[str, Tensor], name: str) -> Tensor:
        if name not in moved:
            return by_layer[name]
        # A norm is (outputs, inputs); the order is one of the parameter, which may hold the transpose.
        layer = moved[name]
        return layer.as_matrix(orders[layer.parameter_name].applied(layer.as_matrix(by_layer[name])))

    if not moved:
        return norms
    return {norm: ComputedTensors(by_layer, partial(in_order, by_layer)) for norm, by_layer in norms.items()}


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
    """The channels of one block that a recipe can reorder, and why others are not."""

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
    units = kv_heads_of(model, block)
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


_DIFFERS = "the block's outputs differ in another order"
_ROUNDING = 1e-5  # of outputs, at least


@dataclass(frozen=True)
class ChannelOrder:
    """The new order of the channels of one kind in one block, for the report."""

    block: int
    kind: ChannelKind
    order: str  # numbers of the dense block: of MLP channels, or of the values' outputs, head after head
    kept_before: float  # the share of all scores that the pattern keeps
    kept_after: float


@dataclass(frozen=True)
class KeptOrder:
    """The channels of one kind of one block that are not reordered, for the report."""

    block: int
    kind: ChannelKind
    reason: str


@dataclass(frozen=True)
class Permuted:
    """What was done to a block."""

    orders: Orders = field(default_factory=dict)
    moved: tuple[ChannelOrder, ...] = ()
    left: tuple[KeptOrder, ...] = ()


class Permuter:
    """Chooses the order of the channels of each block."""

    def __init__(self, stack: Stack, recipe: Recipe) -> None:
        """Raises InvalidInput(field='permute') where no block has channels that can be moved."""
        group = group_of(recipe.pattern)
        assert group is not None  # noqa: S101 - the recipe refuses to permute without one
        self._group = group
        self._channels = find_channels(stack, recipe)
        self._method = method_for(recipe.mask_method)

    def permute(
        self, index: int, block: Block, forward: BlockwiseForward, gradients: GradientNorms
    ) -> Permuted:
        """Reorder the dense block that the windows have reached, in place.

        Channels are scored as the method scores the weights of the layer that reads them; by |W|·‖X_j‖₂ where
        the method has no scores of single weights. A block that then computes something else is put back.
        """
        found, reasons = self._channels[index].found, self._channels[index].reasons
        left = [KeptOrder(index, kind, reason) for kind, reason in reasons]
        if not found:
            return Permuted(left=tuple(left))
        consumers = [channels.consumer for channels in found]
        statistics = InputStatistics(consumers, self._needs)
        forward.watch(index, statistics.collecting)
        before = forward.outputs_of(index, consumers)
        orders: dict[str, AxisOrder] = {}
        moved: list[ChannelOrder] = []
        for channels in found:
            new, facts = self._chosen(index, channels, LayerStats(channels.consumer, statistics, gradients))
            put_in_order(block, new)
            expected = before[channels.consumer.name]
            if _equal(forward.outputs_of(index, [channels.consumer])[channels.consumer.name], expected):
                orders |= new
                moved.append(facts)
            else:
                put_in_order(block, {name: order.undone for name, order in new.items()})
                left.append(KeptOrder(index, channels.kind, _DIFFERS))
        return Permuted(orders, tuple(moved), tuple(left))

    @property
    def _needs(self) -> frozenset[Need]:
        if not isinstance(self._method, ScoringMethod):
            return frozenset({"input_norms"})
        needs: frozenset[Need] = self._method.options.needs
        return needs & {"input_norms", "second_moments"}

    def _chosen(self, index: int, channels: Channels, stats: LayerStats) -> tuple[Orders, ChannelOrder]:
        if isinstance(self._method, ScoringMethod):
            scores = self._method.score(stats)
        else:
            scores = stats.weight.abs() * stats.input_norms
        scores = scores.nan_to_num()  # what is not finite is refused when masks are chosen
        of_sets = [best_order(of_set, *self._group) for of_set in channels.scores(scores)]
        orders = channels.orders([found.order for found in of_sets])
        place = channels.places[-1] if channels.kind == "mlp_channels" else channels.places[0]
        total = max(float(scores.sum(dtype=torch.float64)), torch.finfo(torch.float64).tiny)
        return orders, ChannelOrder(
            index,
            channels.kind,
            ",".join(map(str, _numbers(orders[place.parameter].index, place.positions))),
            kept_before=sum(found.before for found in of_sets) / total,
            kept_after=sum(found.after for found in of_sets) / total,
        )


def _numbers(index: Tensor, positions: Tensor) -> Iterator[int]:
    """Return the order of all channels, set after set, by their numbers in the first copy."""
    first = positions[:, 0].flatten()
    yield from (index[first] - first.min()).tolist()


def _equal(found: Tensor, expected: Tensor) -> bool:
    tolerance = max(_ROUNDING, 2 * torch.finfo(expected.dtype).eps)
    return is_rounding(found - expected, expected, tolerance)
