"""Norms over windows of the gradients of linear layers, formed inside a backward pass.

Autograd is asked for the gradients of activations only (all weights are frozen). Where it passes a linear
layer's output, the layer's own gradient is formed window by window from what is at hand: δᵀx, with x the
layer's input and δ the gradient at its output. It is added to the norm at once; no gradient is ever stored.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from pruning.errors import InvalidInput, NumericalFailure
from pruning.gradients.accumulate import accumulate
from pruning.gradients.part import Part
from pruning.model.hooks import Observer, Seen
from pruning.model.layers import LinearLayer
from pruning.recipe import GradientNorm

GradientNorms = Mapping[GradientNorm, Mapping[str, Tensor]]
"""By norm and by layer name: (outputs, inputs), float32 or float64, without any scale."""


class WindowNorms:
    """One layer's sums over windows: of |g| for l1, of g² for l2, g being the gradient of a window's loss."""

    def __init__(self, layer: LinearLayer, norms: Collection[GradientNorm]) -> None:
        """The sums are where the weights are just now, in float32, or float64 where the weights are."""
        weight = layer.matrix
        dtype = torch.promote_types(weight.dtype, torch.float32)
        self._layer = layer
        self._sums: dict[GradientNorm, Tensor] = {
            norm: torch.zeros(weight.shape, dtype=dtype, device=weight.device) for norm in norms
        }

    def add(self, *parts: Part) -> None:
        """Add every window's gradient, which is the sum of the δᵀx of all parts."""
        accumulate(self._sums, *parts)

    def finish(self, norm: GradientNorm, scale: int) -> Tensor:
        """The norm, divided by `scale`. Uses up the sum. Raises NumericalFailure for NaN and infinity."""
        total = self._sums.pop(norm)
        result = (total.sqrt_() if norm == "l2" else total).div_(scale)
        if not torch.isfinite(result.sum()):  # of norms, so nothing cancels
            raise NumericalFailure(
                f"the gradients of layer {self._layer.name} are not finite; use dtype bfloat16 or float32, "
                "and check that the model gives a finite perplexity"
            )
        return result


def finished_norms(
    sums: Mapping[str, WindowNorms], norms: Collection[GradientNorm], loss_scale: int
) -> GradientNorms:
    """Of the windows' mean losses; uses up the sums, which are of the scaled ones."""
    return {
        norm: {name: window_norms.finish(norm, loss_scale) for name, window_norms in sums.items()}
        for norm in norms
    }


class GradientAccumulator(Observer):
    """Adds the gradients of layers to sums, while a backward pass goes through what was observed."""

    def __init__(self, layers: Sequence[LinearLayer], sums: Mapping[str, WindowNorms], uses: int = 1) -> None:
        """`uses`: how often each layer is used for the same windows; all that it gives is summed."""
        self._layers = layers
        self._sums = sums
        self._uses = uses
        self._visits = Counter[str]()
        self._waiting: dict[str, list[Part]] = defaultdict(list)

    def after(self, seen: Seen, output: Tensor) -> None:
        """Form the gradient when that at the output is known."""
        inputs = seen.by_window(seen.inputs.detach())

        def on_backward(delta: Tensor) -> None:
            name = seen.layer.name
            self._visits[name] += 1
            self._waiting[name].append(Part(inputs, seen.by_window(delta)))
            if len(self._waiting[name]) == self._uses:
                self._sums[name].add(*self._waiting.pop(name))

        output.register_hook(on_backward)  # type: ignore[no-untyped-call]

    def finish(self) -> None:
        """To be called behind the backward pass. Raises InvalidInput(field='model.id') with the name of a
        layer that had no part in it, or more than one.
        """
        for layer in self._layers:
            if self._visits[layer.name] != self._uses:
                raise InvalidInput(
                    f"layer {layer.name} takes part {self._visits[layer.name] // self._uses} times in a "
                    "window's loss; only models that use each linear layer once per forward pass are "
                    "supported",
                    field="model.id",
                )
