"""Statistics of the inputs of a block's linear layers, collected while windows run through the block.

Each statistic is accumulated window by window in float32 (float64 for float64 inputs), so that its value does
not depend on how windows are grouped into micro-batches.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Generic, Literal, Protocol, TypeVar, cast

import torch
from torch import Tensor

from pruning.errors import InvalidInput
from pruning.estimate.pieces import SAMPLED_TOKENS
from pruning.models.hooks import LayerCall, Observer, observing
from pruning.models.layers import ExpertLayer, LinearLayer
from pruning.recipe import Need


def never_called(layer: LinearLayer) -> InvalidInput:
    """Return the error of a layer that no window reaches."""
    return InvalidInput(
        f"layer {layer.name} is never called on the calibration windows; a recipe can exclude it in layers",
        field="layers.exclude",
    )


def product_over_tokens(one: Tensor, other: Tensor) -> Tensor:
    """Return oneᵀ·other, both (tokens, features), in float32 (float64 for float64): (features, features).

    On CUDA, 16-bit numbers are multiplied without widening and their products are added in float32. Each
    product is exact in float32, so only the sums round, as on a CPU after widening; tensor cores, which
    float32 products do not use, take a tenth of the time.
    """
    if one.device.type == "cuda" and one.dtype == other.dtype and one.itemsize == 2:
        return torch.mm(one.T, other, out_dtype=torch.float32)
    dtype = torch.promote_types(other.dtype, torch.float32)
    wide = one.to(dtype)
    return wide.T @ (wide if other is one else other.to(dtype))


class Statistic(Protocol):
    """Something measured on one layer input, window after window."""

    def add(self, inputs: Sequence[Tensor]) -> None:
        """Add some windows: (tokens, features) each."""

    @property
    def value(self) -> Tensor:
        """The result so far."""


class InputNorms:
    """‖X_j‖₂/√N of each input feature j, over N windows: Wanda's and GBLM's activation norm.

    The root of the mean over windows of a feature's squared norm within a window, as a running mean in window
    order: the references' arithmetic (arXiv 2306.11695, 2311.04902).
    """

    def __init__(self) -> None:
        self._windows = 0
        self._mean = torch.zeros(())

    def add(self, inputs: Sequence[Tensor]) -> None:
        for window in inputs:
            # Takes a tenth of the time of torch's norm over the first dimension.
            squared = window.to(torch.promote_types(window.dtype, torch.float32)).square().sum(dim=0)
            self._mean = (self._mean * self._windows + squared) / (self._windows + 1)
            self._windows += 1

    @property
    def value(self) -> Tensor:
        """(features,)."""
        return self._mean.sqrt()


class _MeanProduct:
    """The mean over windows of products over tokens.

    The sum becomes the mean in place when `value` is first read: a second matrix would be as large. No window
    can be added after that.
    """

    def __init__(self) -> None:
        self._windows = 0
        self._sum = torch.zeros(())
        self._is_mean = False

    def _add_window(self, one: Tensor, other: Tensor) -> None:
        if self._is_mean:
            raise RuntimeError("the mean was read: no window can be added")
        product = product_over_tokens(one, other)
        self._sum = product if self._windows == 0 else self._sum.add_(product)
        self._windows += 1

    @property
    def value(self) -> Tensor:
        """(features of one, features of the other): the same tensor each time."""
        if not self._is_mean:
            self._sum.div_(self._windows)
            self._is_mean = True
        return self._sum


class SecondMoments(_MeanProduct):
    """The mean over windows of XᵀX, X (tokens, features) one window's inputs. SparseGPT's H is twice this.

    `tokens`: the number of tokens so far. `value`: (features, features), symmetric.
    """

    tokens = 0

    def add(self, inputs: Sequence[Tensor]) -> None:
        for window in inputs:
            self.tokens += len(window)
            self._add_window(window, window)


class TokenSample:
    """The inputs of at most 256 tokens, spread evenly over the first window that has any.

    The first window may have none: some experts receive few tokens.
    """

    def __init__(self) -> None:
        self.value = torch.zeros(0, 0)

    def add(self, inputs: Sequence[Tensor]) -> None:
        for given in inputs:
            if len(self.value) == 0:
                # A view would keep the whole micro-batch in memory.
                self.value = given[:: max(1, -(-len(given) // SAMPLED_TOKENS))].clone()


class ActivationError(_MeanProduct):
    """Mean of EᵀX, (outputs, features): activation error E times inputs X.

    X (tokens, features) is a layer's input in the pruned model; E (tokens, outputs) is the difference of some
    activation there, dense minus pruned.
    """

    def add(self, inputs: Sequence[Tensor], errors: Sequence[Tensor]) -> None:
        """Add X and E of some windows, for the same tokens."""
        for given, error in zip(inputs, errors, strict=True):
            self._add_window(error, given)


class StopForward(Exception):
    """Ends a forward pass once the last observed layer has been called."""


_Measured = Need | Literal["token_sample"]
Value = TypeVar("Value")


class _SharedByInput(Generic[Value]):
    """A value per layer, shared by layers with the same input tensor.

    "Same" means the same object, which is held until the pass ends: its address may be reused afterwards.
    """

    def __init__(self, new: Callable[[], Value]) -> None:
        self.by_layer: dict[str, Value] = {}
        self._new = new
        self._seen: dict[int, tuple[Tensor, Value]] = {}  # in this forward pass, by the input's id

    def add(self, call: LayerCall, update: Callable[[Value], None]) -> None:
        """Update the value of the layer, unless another layer has been called with this input."""
        name = call.layer.name
        if id(call.inputs) not in self._seen:
            value = self.by_layer.setdefault(name, self._new())
            update(value)
            self._seen[id(call.inputs)] = call.inputs, value
        self.by_layer[name] = self._seen[id(call.inputs)][1]

    def end_pass(self) -> None:
        """Release the inputs of the forward pass."""
        self._seen.clear()


class InputStatistics:
    """The statistics that a recipe needs, for the linear layers of one block.

    Layers with the same input tensor (query, key and value, say) share one set of statistics.
    """

    def __init__(self, layers: Sequence[LinearLayer], needs: Collection[Need]) -> None:
        """`layers`: of one block. `needs`: the statistics to collect."""
        self.layers = layers
        kinds = _statistics_for(needs)
        self._statistics = _SharedByInput(lambda: {need: kind() for need, kind in kinds.items()})
        self._input_errors = _SharedByInput(ActivationError)
        self._output_errors: dict[str, ActivationError] = {}

    @contextmanager
    def collecting(
        self, windows: Tensor, dense: Mapping[str, Tensor] | None = None, *, stop: bool = True
    ) -> Iterator[None]:
        """While active, collect from one forward pass of the block on `windows`.

        Parameters
        ----------
        windows
            The micro-batch's token ids, (windows, length).
        dense
            By layer name, the layer's input in the dense model; where given, input errors are collected too.
        stop
            End the pass, by raising StopForward from it, once all layers have been called.
        """
        try:
            with observing(self.layers, windows, _Collector(self, dense or {}, stop=stop)):
                yield
        finally:
            self._statistics.end_pass()
            self._input_errors.end_pass()

    def add(self, call: LayerCall) -> None:
        """Add one call of a layer."""

        def update(statistics: Mapping[_Measured, Statistic]) -> None:
            inputs = call.by_window(call.inputs)
            for statistic in statistics.values():
                statistic.add(inputs)

        self._statistics.add(call, update)

    def add_input_error(self, call: LayerCall, dense: Tensor) -> None:
        """Add the difference between the layer's input in the `dense` model and in this call."""

        def update(error: ActivationError) -> None:
            error.add(call.by_window(call.inputs), call.by_window(dense - call.inputs))

        self._input_errors.add(call, update)

    def add_output_error(
        self, layer: LinearLayer, inputs: Sequence[Tensor], errors: Sequence[Tensor]
    ) -> None:
        """Add the error of the outputs that the layer's refit compensates; see `ActivationError.add`."""
        self._output_errors.setdefault(layer.name, ActivationError()).add(inputs, errors)

    def activation_error(self, layer: LinearLayer, weight: Tensor) -> Tensor | None:
        """Return the mean over windows of EᵀX, (outputs, inputs), or None where it was not collected.

        E is how much the layer's outputs with its dense `weight` (outputs, inputs) fall short of the dense
        model's.
        """
        if layer.name in self._output_errors:
            return self._output_errors[layer.name].value
        if layer.name in self._input_errors.by_layer:
            return weight @ self._input_errors.by_layer[layer.name].value
        return None

    def has(self, layer: LinearLayer) -> bool:
        """Whether the layer has been called."""
        return layer.name in self._statistics.by_layer

    def refuse_uncalled(self) -> None:
        """Raise InvalidInput(field='layers.exclude') with the name of a layer that has not been called."""
        if layer := next((layer for layer in self.layers if not self.has(layer)), None):
            raise never_called(layer)

    def of(self, layer: LinearLayer, need: Need) -> Tensor:
        """Return a statistic of the layer's input: `InputNorms.value` or `SecondMoments.value`."""
        return self._statistics.by_layer[layer.name][need].value

    def tokens(self, layer: LinearLayer) -> int:
        """Return how many tokens the layer's second moments are of. Needs `second_moments`."""
        return cast("SecondMoments", self._statistics.by_layer[layer.name]["second_moments"]).tokens

    def relative_error(self, layer: LinearLayer, dense: Tensor) -> float | None:
        """Return ‖XW'ᵀ - XWᵀ‖ / ‖XWᵀ‖, W' the layer's current weight, W the `dense` one (outputs, inputs).

        X are the layer's inputs: of all windows where second moments were collected, otherwise of a
        `TokenSample`. None where nothing was collected, or all inputs were zero.
        """
        measured = self._statistics.by_layer.get(layer.name)
        if measured is None:
            return None
        # On a token sample, bfloat16 gives three digits in half the time. float16 could overflow.
        if "token_sample" not in measured or dense.dtype != torch.bfloat16:
            dense = dense.to(torch.promote_types(dense.dtype, torch.float32))
        ratio = float(_output_norm(layer.matrix - dense, measured) / _output_norm(dense, measured))
        return ratio if math.isfinite(ratio) else None


class _Collector(Observer):
    """Adds the layers' calls to their statistics; with `stop`, ends the pass after the last one."""

    def __init__(self, statistics: InputStatistics, dense: Mapping[str, Tensor], *, stop: bool) -> None:
        self._statistics = statistics
        self._dense = dense
        self._stop = stop
        self._missing = {layer.name for layer in statistics.layers}

    def before(self, call: LayerCall) -> None:
        name = call.layer.name
        if name in self._dense:
            self._statistics.add_input_error(call, self._dense[name])
        self._statistics.add(call)
        self._missing.discard(name)
        if self._stop and not self._missing:
            raise StopForward


def _statistics_for(needs: Collection[Need]) -> dict[_Measured, type[Statistic]]:
    """Return what `needs` ask for, plus a token sample where the relative error needs it."""
    kinds: dict[_Measured, type[Statistic]] = {}
    if "input_norms" in needs:
        kinds["input_norms"] = InputNorms
    if "second_moments" in needs:
        kinds["second_moments"] = SecondMoments
    elif kinds:
        kinds["token_sample"] = TokenSample
    return kinds


def _output_norm(weight: Tensor, measured: Mapping[_Measured, Statistic]) -> Tensor:
    """Return ‖XWᵀ‖ for W (outputs, inputs), up to a factor that does not depend on W."""
    if "second_moments" in measured:  # √tr(W·XᵀX·Wᵀ); rounding may make the trace slightly negative
        moments = measured["second_moments"].value
        return (weight @ moments).mul_(weight).sum().clamp_(min=0).sqrt_()
    outputs = measured["token_sample"].value.to(weight.dtype) @ weight.T
    return outputs.to(torch.promote_types(weight.dtype, torch.float32)).square_().sum().sqrt_()


def group_by_input(
    layers: Sequence[LinearLayer], windows: Tensor, run: Callable[[], object]
) -> tuple[tuple[LinearLayer, ...], ...]:
    """Return the layers in groups that can be measured together, in the order in which `run` calls them.

    These are layers with the same input tensor. Fused experts have two groups, their first matrices and their
    last ones: an expert's inputs do not depend on the other experts, and with groups of each expert, all
    would run once for each. `run` is a forward pass on `windows`. A layer that it does not call comes last,
    in a group of its own.
    """
    found = _GroupByInput()
    with observing(layers, windows, found):
        run()
    called = {layer.name for members in found.groups.values() for layer in members}
    alone = ((layer,) for layer in layers if layer.name not in called)
    return (*map(tuple, found.groups.values()), *alone)


class _GroupByInput(Observer):
    """See `group_by_input`. A class inside a function would keep the inputs until garbage is collected."""

    def __init__(self) -> None:
        self.groups: dict[object, list[LinearLayer]] = {}
        self._inputs: list[Tensor] = []  # held, so that no other has the id of one of them

    def before(self, call: LayerCall) -> None:
        self._inputs.append(call.inputs)
        key = call.layer.parameter_name if isinstance(call.layer, ExpertLayer) else id(call.inputs)
        self.groups.setdefault(key, []).append(call.layer)
