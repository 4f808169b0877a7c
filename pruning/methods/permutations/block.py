"""Puts the channels of a block in another order, right before its masks, where an N:M pattern keeps more."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.window_norms import GradientNorms
from pruning.methods import LayerStats, ScoringMethod, method_for
from pruning.methods.permutations.best_order import best_order
from pruning.methods.permutations.channels import Channels, find_channels
from pruning.methods.permutations.orders import AxisOrder, Orders, put_in_order
from pruning.models.blocks import Block, Stack
from pruning.models.replay import is_rounding
from pruning.recipe import ChannelKind, Need, Recipe, group_of

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
class InOrder:
    """The channels of one kind of one block that stay in the order in which they are, for the report."""

    block: int
    kind: ChannelKind
    reason: str


@dataclass(frozen=True)
class Permuted:
    """What was done to a block."""

    orders: Orders = field(default_factory=dict)
    moved: tuple[ChannelOrder, ...] = ()
    left: tuple[InOrder, ...] = ()


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
        """Put the dense block, which the windows stand before, in a new order, in place.

        Channels are scored as the method scores the weights of the layer that reads them; by |W|·‖X_j‖₂ where
        the method has no scores of single weights. A block that then computes something else is put back.
        """
        found, reasons = self._channels[index].found, self._channels[index].reasons
        left = [InOrder(index, kind, reason) for kind, reason in reasons]
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
                left.append(InOrder(index, channels.kind, _DIFFERS))
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
