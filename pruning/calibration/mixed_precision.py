"""The forward pass of a gradient computation in a narrow dtype, with each window's first tokens in float32.

Language models park unused attention on one or two of a window's first tokens, whose hidden states grow to a
hundred times the others' (Sun et al., arXiv 2402.17762). The gradient there is the small remainder of a large
cancellation, and yet it makes up a good part of the early blocks' norms: a forward pass rounded to bfloat16
changes it by tens of per cent, while rounding at all other tokens changes little. So the first tokens run
through every block separately, in float32; causal attention allows it, since no later token affects them. The
others see them rounded.
"""

from collections.abc import Sequence

from torch import Tensor

from pruning.calibration.hidden_states import HiddenStates
from pruning.calibration.skip_matmul import skipped_matmul
from pruning.calibration.window_norms import GateAccumulator, GradientAccumulator, LayerSums
from pruning.models.hooks import Observer, observing
from pruning.models.layers import LinearLayer
from pruning.models.replay import Call, Replay
from pruning.models.upcast import BlockInFloat32


class MixedPrecisionForward:
    """Runs micro-batches through the blocks one at a time, under autograd or without it."""

    def __init__(self, replay: Replay, float32_tokens: int) -> None:
        """`float32_tokens`: how many first tokens of each window run in float32; 0 in a wide dtype."""
        self._replay = replay
        self._first = float32_tokens
        # By number of windows: arguments such as masks depend on it, and on nothing else of a micro-batch.
        self._calls: dict[int, Sequence[Call]] = {}
        self._first_calls: dict[int, Sequence[Call]] = {}
        self._upcast: tuple[int, BlockInFloat32] | None = None

    def embed(self, tokens: Tensor) -> HiddenStates:
        """Return the input of the first block for token ids (windows, length)."""
        hidden, calls = self._replay.embed(tokens)
        self._calls.setdefault(len(tokens), calls)  # the first have their copies on other devices
        if not self._first:
            return HiddenStates(hidden)
        first, calls = self._replay.embed(tokens[:, : self._first], float32=True)
        self._first_calls.setdefault(len(tokens), calls)
        return HiddenStates(hidden[:, self._first :], first)

    def run_block(
        self,
        index: int,
        tokens: Tensor,
        hidden: HiddenStates,
        observer: Observer | None = None,
        *,
        skip: LinearLayer | None = None,
    ) -> HiddenStates:
        """Return the output of block `index` for its input `hidden`.

        `tokens`: the micro-batch's ids; one of its size must have been embedded. `observer` sees every call
        of the block's selected layers: one for all tokens, and one more for the float32 tokens. With `skip`,
        the product of that layer is computed for the float32 tokens only.
        """
        block = self._replay.stack.blocks[index]
        # Observe even without an observer: it makes fused experts run one by one, and their sums round
        # differently in one grouped product.
        watching = observer or Observer()
        with skipped_matmul(skip), observing(block.layers, tokens, watching):
            output = self._calls[len(tokens)][index](block.module, hidden.join())
        if hidden.first is None:
            return HiddenStates(output)
        with observing(block.layers, tokens[:, : self._first], watching):
            first = self._first_calls[len(tokens)][index](self._in_float32(index), hidden.first)
        return HiddenStates(output[:, self._first :], first)

    def _in_float32(self, index: int) -> BlockInFloat32:
        if self._upcast is not None and self._upcast[0] == index:
            return self._upcast[1]
        if self._upcast is not None:
            self._upcast[1].release()
        self._upcast = index, BlockInFloat32(self._replay.stack.blocks[index])
        return self._upcast[1]

    def accumulator(self, sums: LayerSums) -> GradientAccumulator | GateAccumulator:
        """Return the observer that adds one micro-batch's gradients to `sums` during its backward pass."""
        return sums.accumulator(calls_per_layer=2 if self._first else 1)

    def unpack(self, packed: Tensor) -> HiddenStates:
        """Undo `HiddenStates.pack`."""
        return HiddenStates.unpack(packed, self._first)

    def split(self, states: Tensor) -> HiddenStates:
        """Split off the float32 tokens; see `HiddenStates.split`."""
        return HiddenStates.split(states, self._first)
