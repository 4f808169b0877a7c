"""The dense model's hidden states, walked beside the pruned one's, for a refit toward the dense model."""

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import torch
from torch import Tensor, nn

from pruning.activations.statistics import InputsSeen, InputStatistics
from pruning.activations.walk import BlockwiseForward
from pruning.model.blocks import Block
from pruning.model.hooks import Observer, Seen, observing
from pruning.model.layers import LinearLayer, ModuleLayer, linear_layers
from pruning.model.replay import Replay, alike

_DENSE = "dense."


class PairedForward(BlockwiseForward):
    """A walk that takes the windows through the dense model too, and measures how far the two are apart.

    It holds one more set of hidden states, and a dense copy of the block that is being pruned. The layer that
    a block calls last is compared by the block's output, where its own goes there unchanged (the residual
    stream): so it makes good what the layers before it could not. All others are compared by their inputs.
    """

    def __init__(self, replay: Replay, pieces: Sequence[Tensor]) -> None:
        """See `BlockwiseForward`; the model is dense still."""
        super().__init__(replay, pieces)
        self._dense = list(self._hidden)
        self._twin: nn.Module = nn.Identity()
        self._last: LinearLayer | None = None

    def enter(self, index: int) -> None:
        """Keep a dense copy of the block, which is to be pruned next."""
        block = self._blocks[index]
        self._twin = copy.deepcopy(block.module)
        piece, hidden = self._pieces[0], self._hidden[0]
        call = self._calls[len(piece)][index]
        self._last = _last_to_output(block, piece, lambda: call(block.module, hidden))

    def state(self) -> dict[str, Tensor]:
        """Both models' windows as they are before the next block, by name."""
        dense = {f"{_DENSE}{position:05}": hidden for position, hidden in enumerate(self._dense)}
        return super().state() | dense

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Put the windows where another walk of the same pieces was."""
        super().restore(state)
        self._dense = [state[f"{_DENSE}{p:05}"].to(old.device) for p, old in enumerate(self._dense)]

    def measure(self, index: int, statistics: InputStatistics) -> None:
        """As in `BlockwiseForward`, for the drift too."""
        block = self._blocks[index]
        names = {layer.name for layer in statistics.layers}
        twins = [layer for layer in linear_layers(self._twin, block.name) if layer.name in names]
        # An expert is not sent the same tokens in both models.
        compared = [layer for layer in twins if isinstance(layer, ModuleLayer)]
        last = self._last if self._last is not None and self._last.name in names else None
        for piece, hidden, dense in zip(self._pieces, self._hidden, self._dense, strict=True):
            call = self._calls[len(piece)][index]
            inputs = _Inputs(compared, stop=last is None)
            with observing(compared, piece, inputs), suppress(InputsSeen):
                output = call(self._twin, dense)
            with statistics.watching(piece, inputs.by_name, stop=last is None), suppress(InputsSeen):
                if last is not None:
                    seen = _Inputs([last], stop=False)
                    with observing([last], piece, seen):
                        lacking = output - call(block.module, hidden)
                    given = seen.by_name[last.name].reshape(*piece.shape, -1)
                    statistics.add_output_error(last, given.unbind(), lacking.unbind())
                else:
                    call(block.module, hidden)

    def advance(self, index: int) -> None:
        """Take all windows through block `index`, pruned and dense."""
        super().advance(index)
        for position, (piece, hidden) in enumerate(zip(self._pieces, self._dense, strict=True)):
            self._dense[position] = self._calls[len(piece)][index](self._twin, hidden)


class _Inputs(Observer):
    """What layers are given in one forward pass, which it ends on request when all are known."""

    def __init__(self, layers: Sequence[LinearLayer], *, stop: bool) -> None:
        self.by_name: dict[str, Tensor] = {}
        self._count = len(layers)
        self._stop = stop

    def before(self, seen: Seen) -> None:
        self.by_name[seen.layer.name] = seen.inputs
        if self._stop and len(self.by_name) == self._count:
            raise InputsSeen


def _last_to_output(block: Block, piece: Tensor, run: Callable[[], Tensor]) -> LinearLayer | None:
    """The linear layer that `run`, a pass of `piece` through the block, calls last: if it is one to be pruned
    whose output is added to the block's own as it is. Seen by what the block returns without it.
    """
    called: list[tuple[LinearLayer, Tensor]] = []

    class Last(Observer):
        def after(self, seen: Seen, output: Tensor) -> None:
            called[:] = [(seen.layer, output)]

    with observing(linear_layers(block.module, block.name), piece, Last()):
        whole = run()
    layer, output = called[0]
    if not isinstance(layer, ModuleLayer) or output.numel() != whole.numel():
        return None
    hook = layer.module.register_forward_hook(lambda _module, _args, given: torch.zeros_like(given))
    without = run()
    hook.remove()
    selected = next((mine for mine in block.layers if mine.name == layer.name), None)
    return selected if alike(whole - without, output.reshape_as(whole)) else None
