"""The parts of the report that come from what was pruned."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict

from pruning.blockwise.results import Pruned
from pruning.data.training import HeldOutText
from pruning.recipe import ChannelKind
from pruning.report.schema import (
    ChannelOrderFacts,
    HeldOutFacts,
    LayerFacts,
    LeftInOrderFacts,
    PermutationFacts,
    RecoveryFacts,
    TrainedBlockFacts,
    TrainingFacts,
)
from pruning.structure.ranges import ranges


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


def recovery_facts(
    pruned: Pruned, held_out: HeldOutText | None, distilled: TrainingFacts | None
) -> RecoveryFacts | None:
    """Return what was trained, block by block and as a whole; None for a run without recovery."""
    if held_out is None and distilled is None:
        return None
    return RecoveryFacts(
        blocks=tuple(TrainedBlockFacts(**asdict(block)) for block in pruned.trained),
        blocks_held_out=HeldOutFacts(
            windows=len(held_out.windows), articles=held_out.articles, fingerprint=held_out.fingerprint
        )
        if held_out
        else None,
        distil=distilled,
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
