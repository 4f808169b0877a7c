"""Choose the blocks that a model misses least, one after the other, by what it predicts without each.

Leaving blocks out one by one and asking the model itself is what ShortGPT (arXiv 2403.03853) and SLEB (arXiv
2402.09025) found good. The measure is the KL divergence from the next-token distributions of the dense model.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import torch
import torch.nn.functional as F
from torch import Tensor

from pruning.errors import NumericalFailure
from pruning.models.blocks import Stack
from pruning.models.placement import Placement
from pruning.models.replay import Call, LogitsByPosition, Replay
from pruning.recipe.structure import MAX_BLOCK_SELECTION_WINDOWS


@dataclass(frozen=True)
class Drop:
    """A block that is removed."""

    block: int
    divergence: float  # KL(dense ‖ without it and those before it), in nats per token


@torch.no_grad()
def choose_blocks(
    stack: Stack,
    windows: Tensor,
    keep: int,
    *,
    placement: Placement,
    earlier: Sequence[Drop],
    found: Callable[[Drop], None],
) -> list[int]:
    """Return the blocks that stay, in ascending order.

    Parameters
    ----------
    stack
        The dense model.
    windows
        Token ids, int64 (windows, length), of which the first four at most are used.
    keep
        How many blocks stay.
    placement
        Where the model computes.
    earlier
        What an interrupted attempt has chosen, in its order.
    found
        Called with each further block that is removed, once it is chosen; an exception that it raises ends
        the run.

    Raises
    ------
    NumericalFailure
        Where the predictions are not finite, whichever block is left out.
    """
    gone = {drop.block for drop in earlier}
    left = [index for index in range(len(stack.blocks)) if index not in gone]
    stack.model.requires_grad_(False).eval()
    walk = _Walk(Replay(stack, windows, placement), placement, windows[:MAX_BLOCK_SELECTION_WINDOWS])
    dense = walk.to_the_end() if len(left) > keep else []
    while len(left) > keep:
        divergences = walk.divergences(left, dense)
        lowest = min(left, key=lambda index: divergences[index])
        if not isfinite(divergences[lowest]):
            raise NumericalFailure(
                "the predictions without one of the blocks are not finite; check that the model gives a "
                "finite perplexity in this dtype, or use float32"
            )
        left.remove(lowest)
        found(Drop(lowest, divergences[lowest]))
    return left


class _Walk:
    """The hidden states of a few windows on their way through some of the blocks."""

    def __init__(self, replay: Replay, placement: Placement, windows: Tensor) -> None:
        self._replay, self._placement = replay, placement
        self._blocks = replay.stack.blocks
        self._first: list[Tensor] = []
        self._calls: list[Call] = []
        with replay.outer_modules_resident():
            for window in windows:
                hidden, self._calls = replay.embed(window[None])
                self._first.append(hidden)

    def to_the_end(self) -> list[Tensor]:
        """Return the hidden states after all blocks, of each window: (1, length, features)."""
        hidden = self._first
        for index, block in enumerate(self._blocks):
            with self._placement.resident(block.module, then=self._replay.stack.module_after(index)):
                hidden = self._advanced(index, hidden)
        return self._at_home(hidden)

    def divergences(self, left: Sequence[int], dense: Sequence[Tensor]) -> dict[int, float]:
        """Return, for each block of `left`, how far the predictions of the others are from the dense ones.

        All candidates walk side by side, so that each block is brought to the device once. What lies before
        the block that a candidate leaves out is computed once for all.
        """
        common = self._first
        without: dict[int, list[Tensor]] = {}
        for index, then in zip(left, [*left[1:], None], strict=True):
            following = None if then is None else self._blocks[then].module
            with self._placement.resident(self._blocks[index].module, then=following):
                for other, states in without.items():
                    without[other] = self._advanced(index, states)
                without[index] = common
                common = self._advanced(index, common)
        return self._compared({index: self._at_home(states) for index, states in without.items()}, dense)

    def _compared(self, without: Mapping[int, Sequence[Tensor]], dense: Sequence[Tensor]) -> dict[int, float]:
        """Return KL(dense ‖ candidate) of each candidate, in nats per token; infinite if it is no number."""
        totals = dict.fromkeys(without, 0.0)
        with self._replay.outer_modules_resident():
            logits = LogitsByPosition(self._replay)
            for number, last in enumerate(dense):
                for chunk in logits.chunks(last.shape[:2], last.device.type):
                    expected = _log_probabilities(logits(last[chunk]))
                    for index, states in without.items():
                        found = _log_probabilities(logits(states[number][chunk]))
                        totals[index] += _divergence(expected, found)
        tokens = sum(last.shape[1] for last in dense)
        return {index: total / tokens if isfinite(total) else inf for index, total in totals.items()}

    def _advanced(self, index: int, states: Sequence[Tensor]) -> list[Tensor]:
        return [self._calls[index](self._blocks[index].module, hidden) for hidden in states]

    def _at_home(self, states: Sequence[Tensor]) -> list[Tensor]:
        """Return the states where what surrounds the blocks is."""
        return [hidden.to(self._placement.device) for hidden in states]


def _divergence(expected: Tensor, found: Tensor) -> float:
    """Return the sum of KL(expected ‖ found); an impossible token adds nothing, as 0·ln 0 = 0."""
    terms = F.kl_div(found, expected, reduction="none", log_target=True)
    return float(terms.masked_fill_(expected == -inf, 0.0).sum())


def _log_probabilities(logits: Tensor) -> Tensor:
    return F.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=-1)
