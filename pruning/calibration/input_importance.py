"""The importance of each input of the linear layers, by which a quantisation chooses its scales.

By activations it is the mean square of the input, which `llama-imatrix` computes. By gradients it is the sum
of the squared gradients of the input's column of weights, which are the diagonal of the empirical Fisher
information.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from pruning.calibration.accumulate import narrowest_first, window_gradients
from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.gradient_pass import GradientPass, Objective
from pruning.calibration.lm_head import LMHeadLoss
from pruning.calibration.window_norms import GradientAccumulator, GradientNorms, not_finite
from pruning.models.blocks import find_stack
from pruning.models.layers import LinearLayer
from pruning.models.memory import micro_batches
from pruning.models.placement import Placement
from pruning.models.replay import Replay
from pruning.progress import Step
from pruning.recipe import GradientNorm, Stage
from pruning.resume.store import EphemeralResumeStore
from pruning.runtime.process_memory import retain_freed_heap

_COLUMNS: GradientNorm = "columns"


@torch.no_grad()
def mean_squares(placement: Placement, windows: Tensor, *, step: Step) -> dict[str, Tensor]:
    """Return by layer name, (inputs,), the mean over windows of each input's sum of squares in a window.

    A layer that was never called has none. `windows`: token ids, int64 (windows, length). `step`: called
    after each block.
    """
    stack = find_stack(placement.model)
    pieces = micro_batches(stack, windows, backward=False, device=placement.device)
    found = {}
    with retain_freed_heap(), BlockwiseForward(Replay(stack, windows, placement), pieces) as forward:
        for index, block in enumerate(stack.blocks):
            with placement.resident(block.module, then=stack.module_after(index)):
                statistics = InputStatistics(block.layers, {"input_norms"})
                forward.measure(index, statistics)
                for layer in filter(statistics.has, block.layers):
                    found[layer.name] = statistics.of(layer, "input_norms").square().cpu()
                if index + 1 < len(stack.blocks):
                    forward.advance(index)
            step(index + 1, len(stack.blocks))
    return found


def squared_gradients(
    placement: Placement, windows: Tensor, *, scratch: Path, step: Step
) -> dict[str, Tensor]:
    """Return by layer name, (inputs,), the sum over windows and outputs of the squared gradients.

    The gradients are of each window's mean next-token loss. `windows`: token ids, int64 (windows, length).
    `scratch`: an empty directory, for a model that is streamed. `step`: as that of a gradient pass. Raises
    NumericalFailure with a layer's name where its gradients are not finite.
    """
    objective = Objective(_COLUMNS, LMHeadLoss, _ColumnSums, Stage.EXPORT)
    gradients = GradientPass(placement, windows, norms=objective, stack=find_stack(placement.model))
    columns = gradients.run(step, EphemeralResumeStore(scratch))[_COLUMNS]
    return {name: columns[name].cpu() for name in columns}


class _ColumnSums:
    """The sums of some layers; see `LayerSums`."""

    def __init__(self, layers: Sequence[LinearLayer]) -> None:
        self._layers = layers
        self._sums: Mapping[str, _LayerColumns] = {layer.name: _LayerColumns(layer) for layer in layers}

    def accumulator(self, calls_per_layer: int) -> GradientAccumulator:
        return GradientAccumulator(self._layers, self._sums, calls_per_layer)

    def finish(self, loss_scale: int) -> GradientNorms:
        """Return the sums, (inputs,), in float32 or wider."""
        return {_COLUMNS: {name: sums.finish(loss_scale) for name, sums in self._sums.items()}}


class _LayerColumns:
    """One layer's sum over windows and outputs of g²; see `WindowSums`."""

    def __init__(self, layer: LinearLayer) -> None:
        weight = layer.matrix
        dtype = torch.promote_types(weight.dtype, torch.float32)
        self._layer = layer
        self._sum = torch.zeros(layer.inputs, dtype=dtype, device=weight.device)

    def add(self, *factors: GradientFactors) -> None:
        for gradient in window_gradients(*narrowest_first(factors)):
            self._sum += gradient.to(self._sum.dtype).square_().sum(dim=0)

    def finish(self, loss_scale: int) -> Tensor:
        result = self._sum / loss_scale**2
        if not torch.isfinite(result).all():
            raise not_finite(self._layer)
        return result
