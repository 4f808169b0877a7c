"""The way of calibration windows through a model's blocks for a gradient pass, in a dtype that may be narrow.

A language model parks attention that it has no use for on one or two of a window's first tokens, whose hidden
states grow to a hundred times the others' (Sun et al., arXiv 2402.17762). The gradient there is what remains
when nearly all of it cancels, and is large all the same: of the early blocks' norms it makes a good part. A
forward pass rounded to bfloat16 changes it by tens of per cent, while rounding at all other tokens changes
little. So the first tokens go through every block by themselves, in float32: no later token has a part in
them. The others are given them rounded.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from pruning.gradients.hidden_states import HiddenStates
from pruning.gradients.skip_matmul import left_out
from pruning.gradients.window_norms import GradientAccumulator, WindowNorms
from pruning.model.hooks import Observer, observing
from pruning.model.layers import LinearLayer
from pruning.model.replay import Call, Replay
from pruning.model.upcast import BlockInFloat32


class MixedPrecisionForward:
    """Takes micro-batches through blocks."""

    def __init__(self, replay: Replay, float32_tokens: int) -> None:
        """`float32_tokens`: how many of each window's first tokens are float32, beside a narrower dtype."""
        self._replay = replay
        self._first = float32_tokens
        # Arguments such as masks are made for a number of windows, and are equal for equal numbers.
        self._calls: dict[int, Sequence[Call]] = {}
        self._first_calls: dict[int, Sequence[Call]] = {}
        self._working: tuple[int, BlockInFloat32] | None = None

    def enter(self, tokens: Tensor) -> HiddenStates:
        """Before the first block, for token ids (windows, length)."""
        hidden, self._calls[len(tokens)] = self._replay.enter(tokens)
        if not self._first:
            return HiddenStates(hidden)
        first, self._first_calls[len(tokens)] = self._replay.enter(tokens[:, : self._first], float32=True)
        return HiddenStates(hidden[:, self._first :], first)

    def through(
        self,
        index: int,
        tokens: Tensor,
        hidden: HiddenStates,
        observer: Observer | None = None,
        *,
        without: LinearLayer | None = None,
    ) -> HiddenStates:
        """From before block `index` to behind it. `tokens`: such as have entered, as many of them.

        `observer` is told of the block's selected layers, once for all tokens and, where the first are apart,
        once more for these. Fused experts run one by one, whether or not there is one: their sums round
        differently together. Of the product `without`, only the first tokens' is formed.
        """
        block = self._replay.stack.blocks[index]
        watching = observer or Observer()
        with left_out(without), observing(block.layers, tokens, watching):
            output = self._calls[len(tokens)][index](block.module, hidden.joined())
        if hidden.first is None:
            return HiddenStates(output)
        with observing(block.layers, tokens[:, : self._first], watching):
            first = self._first_calls[len(tokens)][index](self._in_float32(index), hidden.first)
        return HiddenStates(output[:, self._first :], first)

    def _in_float32(self, index: int) -> BlockInFloat32:
        if self._working is not None and self._working[0] == index:
            return self._working[1]
        if self._working is not None:
            self._working[1].release()
        self._working = index, BlockInFloat32(self._replay.stack.blocks[index])
        return self._working[1]

    def forming(self, layers: Sequence[LinearLayer], sums: Mapping[str, WindowNorms]) -> GradientAccumulator:
        """The observer of a micro-batch that adds gradients to sums when a backward pass comes back."""
        return GradientAccumulator(layers, sums, uses=2 if self._first else 1)

    def unpacked(self, packed: Tensor) -> HiddenStates:
        """See HiddenStates."""
        return HiddenStates.unpacked(packed, self._first)

    def split(self, states: Tensor) -> HiddenStates:
        """See HiddenStates."""
        return HiddenStates.split(states, self._first)
