"""Norms over windows of the gradients of linear layers, formed inside a backward pass.

Autograd is asked for the gradients of activations only (all weights are frozen). Where it passes a linear
layer's output, the layer's own gradient is formed window by window from what is at hand: δᵀx, with x the
layer's input and δ the gradient at its output. It is added to the norm at once; no gradient is ever stored.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from pruning.errors import InvalidInput, NumericalFailure
from pruning.layers import LinearLayer
from pruning.observe import Observer, Seen, observing
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

    def add(self, inputs: Iterable[Tensor], deltas: Iterable[Tensor]) -> None:
        """Add every window's δᵀx: `inputs` (tokens, inputs) and `deltas` (tokens, outputs) of each.

        The order of the windows is the order of the sums, whatever the number of windows in a call.
        """
        for x, delta in zip(inputs, deltas, strict=True):
            gradient = delta.T @ x
            if "l2" in self._sums:
                self._sums["l2"].addcmul_(gradient, gradient)
            if "l1" in self._sums:
                self._sums["l1"].add_(gradient.abs_())

    def finish(self, norm: GradientNorm, scale: float) -> Tensor:
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
    sums: Mapping[str, WindowNorms], norms: Collection[GradientNorm], length: int
) -> GradientNorms:
    """Of the mean loss of windows of this length; uses up the sums, which are of the summed loss."""
    return {
        norm: {name: window_norms.finish(norm, length - 1) for name, window_norms in sums.items()}
        for norm in norms
    }


@contextmanager
def forming_gradients(
    layers: Sequence[LinearLayer], sums: Mapping[str, WindowNorms], windows: Tensor
) -> Iterator[None]:
    """While active, a forward and backward pass of `windows` adds the gradients of `layers` to `sums`.

    Raises InvalidInput(field='model.id') with the name of a layer that has no part in it, or more than one.
    """
    visits = Counter[str]()

    class Forming(Observer):
        def after(self, seen: Seen, output: Tensor) -> None:
            inputs = seen.by_window(seen.inputs.detach())

            def on_backward(delta: Tensor) -> None:
                visits[seen.layer.name] += 1
                sums[seen.layer.name].add(inputs, seen.by_window(delta))

            output.register_hook(on_backward)  # type: ignore[no-untyped-call]

    with observing(layers, windows, Forming()):
        yield
    for layer in layers:
        if visits[layer.name] != 1:
            raise InvalidInput(
                f"layer {layer.name} takes part {visits[layer.name]} times in a window's loss; only models "
                "that use each linear layer once per forward pass are supported",
                field="model.id",
            )
