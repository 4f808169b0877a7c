"""Calibration windows on their way through a model's blocks, one block at a time.

Pruning needs each block's inputs as the already pruned blocks before it produce them: the walk holds the
hidden states of all windows, measures what a block's layers are given, and advances once the block is pruned.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from torch import Tensor

from pruning.activations.statistics import InputStatistics, StopForward, group_by_input
from pruning.model.layers import LinearLayer
from pruning.model.replay import Call, Replay
from pruning.resume.store import ActivationCheckpoint
from pruning.resume.throttle import SaveThrottle


class BlockwiseForward:
    """The hidden states of all windows, as the input of the block that is next."""

    def __init__(self, replay: Replay, micro_batches: Sequence[Tensor]) -> None:
        """Embed the windows. `micro_batches`: token ids, int64 (windows, length) each."""
        self._blocks = replay.stack.blocks
        self._micro_batches = micro_batches
        self._hidden: list[Tensor] = []
        # By number of windows: arguments such as masks depend on it, and on nothing else of a micro-batch.
        self._calls: dict[int, list[Call]] = {}
        with replay.surroundings_resident():
            for tokens in micro_batches:
                hidden, self._calls[len(tokens)] = replay.embed(tokens)
                self._hidden.append(hidden)

    def state(self) -> dict[str, Tensor]:
        """Return the hidden states by name, for an activation checkpoint."""
        return {f"{number:05}": hidden for number, hidden in enumerate(self._hidden)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the `state` of an earlier walk over the same micro-batches."""
        self._hidden = [state[f"{number:05}"].to(old.device) for number, old in enumerate(self._hidden)]

    def save(self, checkpoint: ActivationCheckpoint, block: int, throttle: SaveThrottle) -> None:
        """Save the windows before `block` if that is worth it: a resumed run can also run them there."""
        state = self.state()
        if throttle.is_due(sum(hidden.nbytes for hidden in state.values())):
            with throttle.saving():
                checkpoint.save(block, state)

    def resume(self, checkpoint: ActivationCheckpoint, *, no_later_than: int) -> int:
        """Restore the windows from a checkpoint that is not past this block. Return the next block."""
        saved = checkpoint.load()
        if saved is None or saved[0] > no_later_than:
            return 0
        index, state = saved
        self.restore(state)
        return index

    def begin_block(self, index: int) -> None:
        """Prepare to prune block `index`, whose input the hidden states are."""

    def measure(self, index: int, statistics: InputStatistics) -> None:
        """Run all windows through block `index` to collect `statistics`; the hidden states stay."""
        for tokens, hidden in zip(self._micro_batches, self._hidden, strict=True):
            with statistics.collecting(tokens), suppress(StopForward):
                self._calls[len(tokens)][index](self._blocks[index].module, hidden)

    def input_groups(self, index: int) -> tuple[tuple[LinearLayer, ...], ...]:
        """Return the layers of block `index` in groups that share an input, in the order of their calls."""
        tokens, hidden, block = self._micro_batches[0], self._hidden[0], self._blocks[index]
        call = self._calls[len(tokens)][index]
        return group_by_input(block.layers, tokens, lambda: call(block.module, hidden))

    def advance(self, index: int) -> None:
        """Replace the hidden states with the output of block `index`."""
        for number, (tokens, hidden) in enumerate(zip(self._micro_batches, self._hidden, strict=True)):
            self._hidden[number] = self._calls[len(tokens)][index](self._blocks[index].module, hidden)
