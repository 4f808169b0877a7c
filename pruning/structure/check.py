"""Compare a smaller model with the dense one, units masked or blocks left out: by their logits."""

from collections.abc import Sequence

import torch
from torch import Tensor

from pruning.models.blocks import Stack, find_stack
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.structure.plan import CutPlan
from pruning.structure.results import CutBlocks

_TOKENS = 16


@torch.no_grad()
def masked_logits(
    stack: Stack,
    plan: CutPlan,
    blocks: CutBlocks,
    tokens: Tensor,
    placement: Placement,
    *,
    stored_dtype: torch.dtype,
) -> Tensor:
    """Return the logits of the dense model with the removed units masked, (1, tokens, vocabulary).

    `stack`: of the dense model, in which the cut may be applied already. `tokens`: ids, int64 (windows,
    length), of which the first few are used. `stored_dtype`: what the repaired weights are rounded to.
    """
    replay = Replay(stack, tokens, placement)
    with replay.outer_modules_resident():
        hidden, calls = replay.embed(tokens[:1, :_TOKENS])
        for index, block in enumerate(stack.blocks):
            with placement.resident(block.module, then=stack.module_after(index)):
                blocks[index].rounded(stored_dtype).apply_to(plan.of_block(index))
                hidden = calls[index](block.module, hidden)
        return replay.logits(hidden)


@torch.no_grad()
def logits_of_blocks(stack: Stack, blocks: Sequence[int], tokens: Tensor, placement: Placement) -> Tensor:
    """Return the logits of the dense model with these blocks alone, (1, tokens, vocabulary)."""
    replay = Replay(stack, tokens, placement)
    with replay.outer_modules_resident():
        hidden, calls = replay.embed(tokens[:1, :_TOKENS])
        for index in blocks:
            module = stack.blocks[index].module
            with placement.resident(module):
                hidden = calls[index](module, hidden)
        return replay.logits(hidden)


def smaller_logits(tokens: Tensor, placement: Placement) -> Tensor:
    """Return the logits of the smaller model for the same tokens."""
    return Replay(find_stack(placement.model), tokens, placement).probe_logits


def relative_difference(one: Tensor, other: Tensor) -> float:
    """Return ‖one - other‖ ÷ ‖other‖. Tokens that both rule out, by logits of -∞, are equal."""
    wide = torch.promote_types(other.dtype, torch.float32)
    impossible = (one == -torch.inf) & (other == -torch.inf)
    ours, theirs = (logits.to(wide).masked_fill(impossible, 0.0) for logits in (one, other))
    return float(torch.linalg.vector_norm(ours - theirs) / torch.linalg.vector_norm(theirs))
