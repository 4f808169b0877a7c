"""Norms over windows of linear layers' weight gradients, computed inside the backward pass.

All weights are frozen, so autograd only computes gradients of activations. Where the backward pass reaches a
linear layer's output, a hook has both factors of the layer's own gradient: its input x and the gradient δ at
its output. It forms δᵀx window by window and adds it to the norms at once; no gradient is stored.

A gate is a factor z = 1 on one input feature of a layer. The gradient of a window's loss L with respect to it
is Σ_t x_t·(∂L/∂x)_t over the window's tokens, which is also the sum of W∘G over the column of the layer's
weight W, G the gradient of W. Both factors are at hand in the backward pass, so no weight gradient is formed.
"""

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor

from pruning.calibration.accumulate import accumulate, narrowest_first, window_gradients
from pruning.calibration.activation_statistics import never_called
from pruning.calibration.gradient_factors import GradientFactors
from pruning.errors import InvalidInput, NumericalFailure
from pruning.models.hooks import LayerCall, Observer
from pruning.models.layers import LinearLayer
from pruning.recipe import GradientNorm
from pruning.runtime.process_memory import free_memory

PartT = TypeVar("PartT")
SumsT = TypeVar("SumsT")

GradientNorms = Mapping[GradientNorm, Mapping[str, Tensor]]
"""By norm and layer name: (outputs, inputs), float32 (float64 for a float64 model), not normalised.

"l1" is Σ|g| and "l2" is √Σg² over windows, g the gradient of one window's mean loss. "gates" is (windows,
inputs): for each window and each input of the layer, Σ_t x·∂L/∂x over its tokens. "columns" is
(inputs,): Σg² over windows and outputs.
"""


def move_to_host(norms: GradientNorms) -> None:
    """Move norms to the host in place, if it has room for them: other references free the device as well.

    Norms that are read on access are left as they are.
    """
    held = [norm for layers in norms.values() if isinstance(layers, dict) for norm in layers.values()]
    if sum(norm.nbytes for norm in held) <= free_memory():
        for norm in held:
            norm.data = norm.cpu()


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
        """Return the norm divided by `scale`, and discard its sum.

        Raises NumericalFailure with the layer's name where the norm is not finite.
        """
        total = self._sums.pop(norm)
        result = (total.sqrt_() if norm == "l2" else total).div_(scale)
        if not torch.isfinite(result.sum()):  # norms are not negative, so nothing cancels in their sum
            raise not_finite(self._layer)
        return result


class WindowSums(Protocol):
    """A sum over one layer's weight gradients."""

    def add(self, *factors: GradientFactors) -> None:
        """Add every window's gradient, the sum of the products δᵀx of all `factors`."""


class BackwardAccumulator(Observer, ABC, Generic[PartT, SumsT]):
    """Adds up, while the backward pass runs, one part per forward call of each observed layer, to `sums`."""

    def __init__(
        self, layers: Sequence[LinearLayer], sums: Mapping[str, SumsT], calls_per_layer: int = 1
    ) -> None:
        """`calls_per_layer`: forward calls of each layer per window, whose parts are one gradient."""
        self._layers = layers
        self._sums = sums
        self._calls_per_layer = calls_per_layer
        self._calls = Counter[str]()  # that the backward pass has reached, of each layer that was called
        self._pending: dict[str, list[PartT]] = defaultdict(list)

    def check_complete(self) -> None:
        """Check, after the backward pass, that it reached each layer exactly once.

        Raises InvalidInput with the name of a layer for which it did not: field 'layers.exclude' where the
        layer was never called, otherwise 'model.id'.
        """
        for layer in self._layers:
            if layer.name not in self._calls:
                raise never_called(layer)
            if self._calls[layer.name] != self._calls_per_layer:
                raise InvalidInput(
                    f"layer {layer.name} contributes {self._calls[layer.name] // self._calls_per_layer} "
                    "times to a window's loss; only models that use each linear layer once per forward pass "
                    "are supported",
                    field="model.id",
                )

    def _add_at(
        self, reached: Tensor, call: LayerCall, part: Callable[[Sequence[Tensor], Sequence[Tensor]], PartT]
    ) -> None:
        """Add the part of a call's inputs and the gradient of `reached`, once the backward pass is there."""
        # The graph keeps the hook until all of it has run, but not the inputs that the hook has popped. The
        # hook may belong to the graph of the inputs: if it held that graph, neither would ever be freed.
        inputs, name, by_window = [call.inputs.detach()], call.layer.name, call.by_window
        self._calls[name] += 0

        def on_backward(delta: Tensor) -> None:
            self._calls[name] += 1
            self._pending[name].append(part(by_window(inputs.pop()), by_window(delta)))
            if len(self._pending[name]) == self._calls_per_layer:
                self._add(self._sums[name], self._pending.pop(name))

        reached.register_hook(on_backward)  # type: ignore[no-untyped-call]

    @abstractmethod
    def _add(self, sums: SumsT, parts: list[PartT]) -> None:
        """Add the parts of all calls of a layer."""


class GradientAccumulator(BackwardAccumulator[GradientFactors, WindowSums]):
    """Adds the weight gradients of observed layers while the backward pass runs."""

    def after(self, call: LayerCall, output: Tensor) -> None:
        """Form and add the gradient once the backward pass reaches `output`."""
        self._add_at(output, call, GradientFactors)

    def _add(self, sums: WindowSums, parts: list[GradientFactors]) -> None:
        sums.add(*parts)


class WindowGates:
    """The gates' gradients of one layer, window after window."""

    def __init__(self, layer: LinearLayer) -> None:
        self._layer = layer
        self._windows: list[Tensor] = []

    def add(self, gradients: Tensor) -> None:
        """Add the windows of a micro-batch: (windows, inputs)."""
        self._windows.append(gradients)

    def finish(self, scale: int) -> Tensor:
        """Return the gradients of all windows divided by `scale`, (windows, inputs), and discard them.

        Raises NumericalFailure with the layer's name where one is not finite.
        """
        result = torch.cat(self._windows).div_(scale)
        self._windows = []
        if not torch.isfinite(result).all():
            raise not_finite(self._layer)
        return result


class GateAccumulator(BackwardAccumulator[Tensor, WindowGates]):
    """Adds the gates' gradients of observed layers while the backward pass runs."""

    def before(self, call: LayerCall) -> None:
        """Form and add the gradients once the backward pass has reached the layer's input."""
        self._add_at(call.inputs, call, _gate_gradients)

    def _add(self, sums: WindowGates, parts: list[Tensor]) -> None:
        sums.add(torch.stack(parts).sum(dim=0))


def _gate_gradients(inputs: Sequence[Tensor], deltas: Sequence[Tensor]) -> Tensor:
    """Return Σ_t x·δ of each window, (windows, inputs), in float32 (float64 for float64)."""
    dtype = torch.promote_types(inputs[0].dtype, torch.float32)
    pairs = zip(inputs, deltas, strict=True)
    return torch.stack([(x.to(dtype) * gradient.to(dtype)).sum(dim=0) for x, gradient in pairs])


def not_finite(layer: LinearLayer) -> NumericalFailure:
    """Return the error of a layer whose gradients are infinite or no numbers."""
    return NumericalFailure(
        f"the gradients of layer {layer.name} are not finite; use dtype bfloat16 or float32, and check that "
        "the model gives a finite perplexity"
    )


class WindowColumns:
    """One layer's sum over windows and outputs of g²."""

    def __init__(self, layer: LinearLayer) -> None:
        weight = layer.matrix
        dtype = torch.promote_types(weight.dtype, torch.float32)
        self._layer = layer
        self._sum = torch.zeros(layer.inputs, dtype=dtype, device=weight.device)

    def add(self, *factors: GradientFactors) -> None:
        """Add every window's gradient, the sum of the products δᵀx of all `factors`."""
        for gradient in window_gradients(*narrowest_first(factors)):
            self._sum += gradient.to(self._sum.dtype).square_().sum(dim=0)
            del gradient

    def finish(self, scale: int) -> Tensor:
        """Return the sum, (inputs,), of the gradients divided by `scale`.

        Raises NumericalFailure with the layer's name where it is not finite.
        """
        result = self._sum / scale**2
        if not torch.isfinite(result).all():
            raise not_finite(self._layer)
        return result


class PassSums:
    """The sums of one pass for some layers: norms of their weights' gradients; or gates; or columns."""

    def __init__(self, layers: Sequence[LinearLayer], norms: Collection[GradientNorm]) -> None:
        """`norms`: `gates` alone, `columns` alone, or any others."""
        self._layers = layers
        self._norms = norms
        self._gates = {layer.name: WindowGates(layer) for layer in layers if "gates" in norms}
        self._columns = {layer.name: WindowColumns(layer) for layer in layers if "columns" in norms}
        alone = self._gates or self._columns
        self._weights = {} if alone else {layer.name: WindowNorms(layer, norms) for layer in layers}

    def accumulator(self, calls_per_layer: int) -> GradientAccumulator | GateAccumulator:
        """Return the observer that adds one micro-batch's gradients during its backward pass."""
        if self._gates:
            return GateAccumulator(self._layers, self._gates, calls_per_layer)
        return GradientAccumulator(self._layers, self._columns or self._weights, calls_per_layer)

    def finish(self, loss_scale: int) -> GradientNorms:
        """Return the sums of all layers, of the unscaled loss. Discards the sums."""
        if self._columns:
            return {"columns": {name: sums.finish(loss_scale) for name, sums in self._columns.items()}}
        if self._gates:
            return {"gates": {name: gates.finish(loss_scale) for name, gates in self._gates.items()}}
        return {
            norm: {name: sums.finish(norm, loss_scale) for name, sums in self._weights.items()}
            for norm in self._norms
        }
