"""Calibration windows on their way through a model's blocks, one block at a time."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from torch import Tensor

from pruning.activations.statistics import InputsSeen, InputStatistics, by_shared_input
from pruning.model.layers import LinearLayer
from pruning.model.replay import Call, Replay


class BlockwiseForward:
    """Calibration windows on their way through the blocks, held where the next block needs them."""

    def __init__(self, replay: Replay, pieces: Sequence[Tensor]) -> None:
        """`pieces`: micro-batches of token ids, (windows, length) each."""
        self._blocks = replay.stack.blocks
        self._pieces = pieces
        self._hidden: list[Tensor] = []
        # Arguments such as masks are made for a number of windows, and are equal for equal numbers.
        self._calls: dict[int, list[Call]] = {}
        for piece in pieces:
            hidden, self._calls[len(piece)] = replay.enter(piece)
            self._hidden.append(hidden)

    def state(self) -> dict[str, Tensor]:
        """The windows as they are before the next block, by name."""
        return {f"{position:05}": hidden for position, hidden in enumerate(self._hidden)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put the windows where another walk of the same pieces was."""
        self._hidden = [state[f"{p:05}"].to(old.device) for p, old in enumerate(self._hidden)]

    def enter(self, index: int) -> None:
        """Block `index`, before which the windows stand, is to be pruned next."""

    def measure(self, index: int, statistics: InputStatistics) -> None:
        """Run all windows through block `index`, for what its linear layers are given, and stay before it."""
        for piece, hidden in zip(self._pieces, self._hidden, strict=True):
            with statistics.watching(piece), suppress(InputsSeen):
                self._calls[len(piece)][index](self._blocks[index].module, hidden)

    def input_groups(self, index: int) -> tuple[tuple[LinearLayer, ...], ...]:
        """The linear layers of block `index` in groups that share an input, in the order of their work."""
        piece, hidden, block = self._pieces[0], self._hidden[0], self._blocks[index]
        call = self._calls[len(piece)][index]
        return by_shared_input(block.layers, piece, lambda: call(block.module, hidden))

    def advance(self, index: int) -> None:
        """Take all windows through block `index`."""
        for position, (piece, hidden) in enumerate(zip(self._pieces, self._hidden, strict=True)):
            self._hidden[position] = self._calls[len(piece)][index](self._blocks[index].module, hidden)
