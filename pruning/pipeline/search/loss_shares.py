"""Each layer's share of a pruned model's loss, found in the backward pass.

With W a layer's dense weights, W' its pruned ones and G the gradient of a window's loss at W', the share is
½·⟨G, W' - W⟩. Were the loss quadratic around the dense weights, where it and its gradient are 0, the shares
of all layers would add up to it: L(x) = ½xᵀHx has the gradient Hx, and L = ½·⟨∇L, x⟩.

G is δᵀx, so that ⟨G, W' - W⟩ = Σ_t δ_t·(W' - W)x_t over the window's tokens: no gradient is formed.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from pruning.calibration.gradient_factors import GradientFactors
from pruning.calibration.window_norms import GradientAccumulator, GradientNorms, SumsFactory
from pruning.errors import NumericalFailure
from pruning.models.blocks import Stack
from pruning.models.layers import LinearLayer
from pruning.models.placement import Placement


def shares_of(stack: Stack, placement: Placement) -> SumsFactory:
    """Return what makes the sums of a pass over the pruned model: each layer's share of each window's loss.

    `stack`, `placement`: of the dense model, which stays on the host.
    """
    dense = {layer.name: layer for layer in stack.layers}
    return partial(_Shares, dense=dense, placement=placement)


class _Shares:
    """The shares of some layers; see `LayerSums`."""

    def __init__(
        self, layers: Sequence[LinearLayer], dense: Mapping[str, LinearLayer], placement: Placement
    ) -> None:
        """The layers must be resident."""
        self._layers = layers
        self._shares = {layer.name: _LayerShare(layer, dense[layer.name], placement) for layer in layers}

    def accumulator(self, calls_per_layer: int) -> GradientAccumulator:
        return GradientAccumulator(self._layers, self._shares, calls_per_layer)

    def finish(self, loss_scale: int) -> GradientNorms:
        """Return the shares in nats per token, float64 (windows,).

        Raises NumericalFailure with the layer's name where one is not finite.
        """
        return {"shares": {name: share.finish(loss_scale) for name, share in self._shares.items()}}


class _LayerShare:
    """One layer's shares, window after window; see `WindowSums`."""

    def __init__(self, pruned: LinearLayer, dense: LinearLayer, placement: Placement) -> None:
        """Both weights are rounded to the dtype of the computation, in which those that stayed are equal."""
        after = pruned.matrix
        before = dense.as_matrix(placement.stored(dense.parameter)).to(after.device, after.dtype)
        self._name, self._change = pruned.name, after - before
        self._windows: list[Tensor] = []

    def add(self, *factors: GradientFactors) -> None:
        for window in range(len(factors[0].deltas)):
            products = [self._along(each.inputs[window], each.deltas[window]) for each in factors]
            self._windows.append(torch.stack(products).sum() / 2)

    def _along(self, inputs: Tensor, deltas: Tensor) -> Tensor:
        """Return ⟨δᵀx, W' - W⟩ for the tokens of one window, or some of them: float64 ()."""
        moved = inputs @ self._change.to(inputs.dtype).T
        wide = torch.promote_types(moved.dtype, torch.float32)
        return (deltas.to(wide) * moved.to(wide)).sum(dtype=torch.float64)

    def finish(self, loss_scale: int) -> Tensor:
        result = torch.stack(self._windows) / loss_scale
        if not torch.isfinite(result).all():
            raise NumericalFailure(
                f"the share of layer {self._name} in the pruned model's loss is not finite; use dtype "
                "bfloat16 or float32, and check that the model gives a finite perplexity"
            )
        return result
