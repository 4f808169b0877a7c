"""The parts of the report that come from what was pruned."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict

from pruning.methods.results import Pruned
from pruning.recipe import ChannelKind
from pruning.report import (
    ChannelOrderFacts,
    LayerFacts,
    LeftInOrderFacts,
    PermutationFacts,
)
from pruning.structure.results import ranges


def permutation_facts(pruned: Pruned) -> PermutationFacts:
    """Return which channels have another order, and why others were left as they were."""
    blocks: dict[tuple[ChannelKind, str], list[int]] = defaultdict(list)
    for left in pruned.left_in_order:
        blocks[left.kind, left.reason].append(left.block)
    return PermutationFacts(
        blocks=tuple(ChannelOrderFacts(**asdict(order)) for order in pruned.reordered),
        left=tuple(
            LeftInOrderFacts(kind=kind, blocks=ranges(of_blocks), reason=reason)
            for (kind, reason), of_blocks in blocks.items()
        ),
    )


def layer_facts(pruned: Pruned) -> Iterator[LayerFacts]:
    """Yield the zeros and the error of each pruned layer."""
    for layer in pruned.layers:
        yield LayerFacts(
            name=layer.name,
            block=layer.block,
            shape=layer.shape,
            zeros=layer.zeros,
            weights=layer.weights,
            relative_error=layer.relative_error,
            swap_reduction=layer.swap_reduction,
        )
