"""Norms over windows of linear layers' weight gradients, computed inside the backward pass.

All weights are frozen, so autograd only computes gradients of activations. Where the backward pass reaches a
linear layer's output, a hook has both factors of the layer's own gradient: its input x and the gradient δ at
its output. It forms δᵀx window by window and adds it to the norms at once; no gradient is stored.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from pruning.errors import InvalidInput, NumericalFailure
from pruning.gradients.accumulate import accumulate
from pruning.gradients.factors import GradientFactors
from pruning.model.hooks import LayerCall, Observer
from pruning.model.layers import LinearLayer
from pruning.recipe import GradientNorm

GradientNorms = Mapping[GradientNorm, Mapping[str, Tensor]]
"""By norm and layer name: (outputs, inputs), float32 (float64 for a float64 model), not normalised.

"l1" is Σ|g| and "l2" is √Σg² over windows, g the gradient of one window's mean loss.
"""


class WindowNorms:
    """One layer's running sums over windows: Σ|g| for l1, Σg² for l2."""

    def __init__(self, layer: LinearLayer, norms: Collection[GradientNorm]) -> None:
        """Allocate the sums on the weight's current device, in float32 (float64 for float64 weights)."""
        weight = layer.matrix
        dtype = torch.promote_types(weight.dtype, torch.float32)
        self._layer = layer
        self._sums: dict[GradientNorm, Tensor] = {
            norm: torch.zeros(weight.shape, dtype=dtype, device=weight.device) for norm in norms
        }

    def add(self, *factors: GradientFactors) -> None:
        """Add every window's gradient, the sum of the products δᵀx of all `factors`."""
        accumulate(self._sums, *factors)

    def finish(self, norm: GradientNorm, scale: int) -> Tensor:
        """Return the norm divided by `scale`, and give up its sum.

        Raises NumericalFailure with the layer's name where the norm is not finite.
        """
        total = self._sums.pop(norm)
        result = (total.sqrt_() if norm == "l2" else total).div_(scale)
        if not torch.isfinite(result.sum()):  # norms are not negative, so nothing cancels in their sum
            raise NumericalFailure(
                f"the gradients of layer {self._layer.name} are not finite; use dtype bfloat16 or float32, "
                "and check that the model gives a finite perplexity"
            )
        return result


def finish_norms(
    sums: Mapping[str, WindowNorms], norms: Collection[GradientNorm], loss_scale: int
) -> GradientNorms:
    """Return the norms of all layers, of the unscaled loss. Gives up the sums."""
    return {
        norm: {name: window_norms.finish(norm, loss_scale) for name, window_norms in sums.items()}
        for norm in norms
    }


class GradientAccumulator(Observer):
    """Adds the weight gradients of observed layers to `sums` while the backward pass runs."""

    def __init__(
        self, layers: Sequence[LinearLayer], sums: Mapping[str, WindowNorms], calls_per_layer: int = 1
    ) -> None:
        """`calls_per_layer`: forward calls of each layer per window, whose products are one gradient."""
        self._layers = layers
        self._sums = sums
        self._calls_per_layer = calls_per_layer
        self._calls = Counter[str]()
        self._pending: dict[str, list[GradientFactors]] = defaultdict(list)

    def after(self, call: LayerCall, output: Tensor) -> None:
        """Form and add the gradient once the backward pass reaches `output`."""
        inputs = call.by_window(call.inputs.detach())

        def on_backward(delta: Tensor) -> None:
            name = call.layer.name
            self._calls[name] += 1
            self._pending[name].append(GradientFactors(inputs, call.by_window(delta)))
            if len(self._pending[name]) == self._calls_per_layer:
                self._sums[name].add(*self._pending.pop(name))

        output.register_hook(on_backward)  # type: ignore[no-untyped-call]

    def check_complete(self) -> None:
        """Check, after the backward pass, that it reached each layer exactly once.

        Raises InvalidInput(field='model.id') with the name of a layer for which it did not.
        """
        for layer in self._layers:
            if self._calls[layer.name] != self._calls_per_layer:
                raise InvalidInput(
                    f"layer {layer.name} contributes {self._calls[layer.name] // self._calls_per_layer} "
                    "times to a window's loss; only models that use each linear layer once per forward pass "
                    "are supported",
                    field="model.id",
                )
