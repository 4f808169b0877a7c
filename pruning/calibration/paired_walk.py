"""A walk through the pruned and the dense model side by side, for a refit toward the dense model.

It holds a second set of hidden states, those of the dense model, and a dense copy of the block being pruned.
From both it measures the activation error that each layer's refit compensates.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import torch
from torch import Tensor, nn

from pruning.calibration.activation_statistics import InputStatistics, StopForward
from pruning.calibration.activation_walk import BetweenBlocks, BlockwiseForward
from pruning.models.blocks import Block
from pruning.models.hooks import LayerCall, Observer, observing
from pruning.models.layers import LinearLayer, ModuleLayer, linear_layers
from pruning.models.replay import Replay, is_rounding

_DENSE = "dense."


class PairedForward(BlockwiseForward):
    """A `BlockwiseForward` that also measures how far the pruned model is from the dense one.

    A layer's error is that of its inputs. The layer that a block calls last is the exception where its output
    is added to the residual stream unchanged: its error is that of the block's output, so that its refit also
    compensates what the block's earlier layers could not.
    """

    def __init__(self, replay: Replay, micro_batches: Sequence[Tensor]) -> None:
        """Start both walks; the model must still be dense."""
        super().__init__(replay, micro_batches)
        self._dense_hidden = BetweenBlocks(list(self._hidden), self._hand_over)
        self._dense_block: nn.Module = nn.Identity()
        self._residual_layer: LinearLayer | None = None

    def begin_block(self, index: int) -> None:
        """Copy block `index` before it is pruned."""
        block = self._blocks[index]
        self._dense_block = copy.deepcopy(block.module)
        tokens, hidden = self._micro_batches[0], self._hidden[0]
        call = self._calls[len(tokens)][index]
        self._residual_layer = _last_layer_of_residual(block, tokens, lambda: call(block.module, hidden))

    def state(self) -> dict[str, Tensor]:
        """Return both models' hidden states by name."""
        dense = {f"{_DENSE}{number:05}": hidden for number, hidden in enumerate(self._dense_hidden)}
        return super().state() | dense

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from the `state` of an earlier paired walk."""
        super().restore(state)
        restored = [
            state[f"{_DENSE}{number:05}"].to(old.device) for number, old in enumerate(self._dense_hidden)
        ]
        self._dense_hidden = BetweenBlocks(restored, self._hand_over)

    def measure(self, index: int, statistics: InputStatistics) -> None:
        """Collect `statistics`, with the activation errors of the layers that both models call alike."""
        block = self._blocks[index]
        names = {layer.name for layer in statistics.layers}
        dense_layers = [
            layer for layer in linear_layers(self._dense_block, block.name) if layer.name in names
        ]
        # Experts are left out: the two models may route other tokens to them.
        compared = [layer for layer in dense_layers if isinstance(layer, ModuleLayer)]
        residual = self._residual_layer
        residual = residual if residual is not None and residual.name in names else None
        for tokens, hidden, dense in zip(self._micro_batches, self._hidden, self._dense_hidden, strict=True):
            call = self._calls[len(tokens)][index]
            inputs = _RecordInputs(compared, stop=residual is None)
            with observing(compared, tokens, inputs), suppress(StopForward):
                dense_output = call(self._dense_block, dense)
            with (
                statistics.collecting(tokens, inputs.by_name, stop=residual is None),
                suppress(StopForward),
            ):
                if residual is not None:
                    own = _RecordInputs([residual], stop=False)
                    with observing([residual], tokens, own):
                        error = dense_output - call(block.module, hidden)
                    given = own.by_name[residual.name].reshape(*tokens.shape, -1)
                    statistics.add_output_error(residual, given.unbind(), error.unbind())
                else:
                    call(block.module, hidden)

    def advance(self, index: int) -> None:
        """Replace both models' hidden states with the output of block `index`."""
        super().advance(index)
        self._run(index, self._dense_block, self._dense_hidden)


class _RecordInputs(Observer):
    """Records the layers' inputs in one forward pass, and ends it after the last of them with `stop`."""

    def __init__(self, layers: Sequence[LinearLayer], *, stop: bool) -> None:
        self.by_name: dict[str, Tensor] = {}
        self._count = len(layers)
        self._stop = stop

    def before(self, call: LayerCall) -> None:
        self.by_name[call.layer.name] = call.inputs
        if self._stop and len(self.by_name) == self._count:
            raise StopForward


def _last_layer_of_residual(block: Block, tokens: Tensor, run: Callable[[], Tensor]) -> LinearLayer | None:
    """Return the linear layer that the block calls last, if it is selected and feeds the output unchanged.

    `run` runs the micro-batch `tokens` through the block. The layer feeds the output unchanged if the output
    without it, and the layer's own added, is the output. (In 16 bits, the output less the output without it
    would be the layer's plus the rounding of a sum that is larger than it.)
    """
    called: list[tuple[LinearLayer, Tensor]] = []

    class RecordLast(Observer):
        def after(self, call: LayerCall, output: Tensor) -> None:
            called[:] = [(call.layer, output)]

    with observing(linear_layers(block.module, block.name), tokens, RecordLast()):
        whole = run()
    layer, output = called[0]
    if not isinstance(layer, ModuleLayer) or output.numel() != whole.numel():
        return None
    hook = layer.module.register_forward_hook(lambda _module, _args, given: torch.zeros_like(given))
    without = run()
    hook.remove()
    selected = next((mine for mine in block.layers if mine.name == layer.name), None)
    own = output.reshape_as(whole)
    return selected if is_rounding(whole - (without + own), own) else None
