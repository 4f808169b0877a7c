"""Statistics of what a block's linear layers are given while the calibration windows run through it."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol

import torch
from torch import Tensor

from pruning.model.hooks import Observer, Seen, observing
from pruning.model.layers import LinearLayer
from pruning.recipe import Need


class Statistic(Protocol):
    """Something measured on one input, window after window."""

    def add(self, inputs: Sequence[Tensor]) -> None:
        """Take in what each window gives: (tokens, features)."""

    @property
    def value(self) -> Tensor:
        """What was measured."""


class InputNorms:
    """The size of each input feature: the root of the mean, over windows, of its squared norm in a window.

    ‖X_j‖₂/√N for N windows, as a running mean in window order, in float32 (float64 for float64 inputs): the
    reference's arithmetic (arXiv 2311.04902, and Wanda, arXiv 2306.11695).
    """

    def __init__(self) -> None:
        """No window seen yet."""
        self._windows = 0
        self._mean = torch.zeros(())

    def add(self, inputs: Sequence[Tensor]) -> None:
        """`inputs`: (tokens, features) of each window."""
        for window in inputs:
            # A tenth of the time of torch's norm over a first dimension.
            squared = window.to(torch.promote_types(window.dtype, torch.float32)).square().sum(dim=0)
            self._mean = (self._mean * self._windows + squared) / (self._windows + 1)
            self._windows += 1

    @property
    def value(self) -> Tensor:
        """(features,)."""
        return self._mean.sqrt()


class InputsSeen(Exception):
    """Ends a forward pass of which nothing more is needed."""


class SecondMoments:
    """Which input features go together: the mean, over windows, of XᵀX with X (length, features).

    In float32 (float64 for float64 inputs), window by window in their order. SparseGPT's H is twice this.
    """

    def __init__(self) -> None:
        """No window seen yet."""
        self._windows = 0
        self._sum = torch.zeros(())

    def add(self, inputs: Sequence[Tensor]) -> None:
        """`inputs`: (tokens, features) of each window."""
        for given in inputs:
            window = given.to(torch.promote_types(given.dtype, torch.float32))
            moments = window.T @ window
            self._sum = moments if self._windows == 0 else self._sum.add_(moments)
            self._windows += 1

    @property
    def value(self) -> Tensor:
        """(features, features), symmetric."""
        return self._sum / self._windows


class FewTokens:
    """The inputs themselves, of tokens spread over the first window that gives any: some experts see few."""

    MOST = 256

    def __init__(self) -> None:
        """No window seen yet."""
        self.value = torch.zeros(0, 0)

    def add(self, inputs: Sequence[Tensor]) -> None:
        """`inputs`: (tokens, features) of each window."""
        for given in inputs:
            if len(self.value) == 0:
                # A copy: a view would keep all windows that shared a pass.
                self.value = given[:: max(1, -(-len(given) // self.MOST))].clone()


class ActivationError:
    """What the pruned model lacks of the dense one: the mean, over windows, of EᵀX.

    X (length, features) is what a layer is given, E (length, anything) how far something beside it is from
    the dense model's. In float32 (float64 for float64 inputs), window by window in their order.
    """

    def __init__(self) -> None:
        """No window seen yet."""
        self._windows = 0
        self._sum = torch.zeros(())

    def add(self, inputs: Sequence[Tensor], lacking: Sequence[Tensor]) -> None:
        """`inputs`: (tokens, features) of each window; `lacking`: dense less pruned, for the same tokens."""
        for given, error in zip(inputs, lacking, strict=True):
            dtype = torch.promote_types(given.dtype, torch.float32)
            moments = error.to(dtype).T @ given.to(dtype)
            self._sum = moments if self._windows == 0 else self._sum.add_(moments)
            self._windows += 1

    @property
    def value(self) -> Tensor:
        """(anything, features)."""
        return self._sum / self._windows


_Measured = Need | Literal["few_tokens"]


class InputStatistics:
    """What a recipe needs to know of each distinct input of a block's linear layers.

    Layers that are given the same tensor (query, key and value, say) share one set of statistics. Same means
    the same object, seen while it is held: an address may be used again for another tensor.
    """

    def __init__(self, layers: Sequence[LinearLayer], needs: Collection[Need]) -> None:
        """For the linear layers of one block, and what is needed of their inputs."""
        self.layers = layers
        self._kinds = _kinds(needs)
        self._by_layer: dict[str, dict[_Measured, Statistic]] = {}
        self._input_errors: dict[str, ActivationError] = {}
        self._output_errors: dict[str, ActivationError] = {}

    @contextmanager
    def watching(
        self, windows: Tensor, dense: Mapping[str, Tensor] | None = None, *, stop: bool = True
    ) -> Iterator[None]:
        """While active, one forward pass of the block for these windows (windows, length) is taken in.

        `dense`: what layers, by name, are given in the dense model, where their drift is to be measured. With
        `stop`, the pass ends with InputsSeen, which is to be suppressed, where no later layer is watched.
        """
        groups: list[tuple[Tensor, dict[_Measured, Statistic]]] = []
        missing = {layer.name for layer in self.layers}
        drifts: list[tuple[Tensor, ActivationError]] = []

        def take_in(seen: Seen) -> None:
            name = seen.layer.name
            if dense is not None and name in dense:
                take_in_error(seen, dense[name])
            shared = next((statistics for tensor, statistics in groups if tensor is seen.inputs), None)
            if shared is not None:
                self._by_layer[name] = shared
                return
            new = {need: kind() for need, kind in self._kinds.items()}
            statistics = self._by_layer.setdefault(name, new)
            by_window = seen.by_window(seen.inputs)
            for statistic in statistics.values():
                statistic.add(by_window)
            groups.append((seen.inputs, statistics))

        def take_in_error(seen: Seen, expected: Tensor) -> None:
            shared = next((drift for tensor, drift in drifts if tensor is seen.inputs), None)
            if shared is not None:
                self._input_errors[seen.layer.name] = shared
                return
            drift = self._input_errors.setdefault(seen.layer.name, ActivationError())
            drift.add(seen.by_window(seen.inputs), seen.by_window(expected - seen.inputs))
            drifts.append((seen.inputs, drift))

        class TakingIn(Observer):
            def before(self, seen: Seen) -> None:
                take_in(seen)
                missing.discard(seen.layer.name)
                if stop and not missing:
                    raise InputsSeen

        with observing(self.layers, windows, TakingIn()):
            yield

    def add_output_error(
        self, layer: LinearLayer, inputs: Sequence[Tensor], lacking: Sequence[Tensor]
    ) -> None:
        """For a layer whose outputs are to make good `lacking`; see `ActivationError.add`."""
        self._output_errors.setdefault(layer.name, ActivationError()).add(inputs, lacking)

    def activation_error(self, layer: LinearLayer, weight: Tensor) -> Tensor | None:
        """What the layer's outputs lack with its dense `weight` (outputs, inputs): the mean over windows of
        EᵀX, (outputs, inputs), E the outputs that are wanted less those. None: it was not measured.
        """
        if layer.name in self._output_errors:
            return self._output_errors[layer.name].value
        if layer.name in self._input_errors:
            return weight @ self._input_errors[layer.name].value
        return None

    def of(self, layer: LinearLayer, need: Need) -> Tensor:
        """What was measured on the layer's input; see InputNorms and SecondMoments."""
        return self._by_layer[layer.name][need].value

    def relative_error(self, layer: LinearLayer, dense: Tensor) -> float | None:
        """‖XW'ᵀ - XWᵀ‖ / ‖XWᵀ‖, with W' the layer's weight as it is now, and W `dense` (outputs, inputs).

        X is what the layer was given: in all windows where second moments were measured, otherwise at no more
        than 256 tokens spread over the first. None: nothing was measured, or nothing but zeros.
        """
        measured = self._by_layer.get(layer.name)
        if measured is None:
            return None
        # In bfloat16 few tokens' outputs are good for three digits at half the price; float16 could overflow.
        if "few_tokens" not in measured or dense.dtype != torch.bfloat16:
            dense = dense.to(torch.promote_types(dense.dtype, torch.float32))
        ratio = float(_output_norm(layer.matrix - dense, measured) / _output_norm(dense, measured))
        return ratio if math.isfinite(ratio) else None


def _kinds(needs: Collection[Need]) -> dict[_Measured, type[Statistic]]:
    """What is measured: as needed, and what tells how far the outputs of a layer are from the dense ones."""
    kinds: dict[_Measured, type[Statistic]] = {}
    if "input_norms" in needs:
        kinds["input_norms"] = InputNorms
    if "second_moments" in needs:
        kinds["second_moments"] = SecondMoments
    elif kinds:
        kinds["few_tokens"] = FewTokens
    return kinds


def _output_norm(weight: Tensor, measured: Mapping[_Measured, Statistic]) -> Tensor:
    """‖XWᵀ‖, or a multiple of it that is the same for every W (outputs, inputs)."""
    if "second_moments" in measured:  # tr(W·XᵀX·Wᵀ), in which rounding may leave less than nothing
        moments = measured["second_moments"].value
        return (weight @ moments).mul_(weight).sum().clamp_(min=0).sqrt_()
    outputs = measured["few_tokens"].value.to(weight.dtype) @ weight.T
    return outputs.to(torch.promote_types(weight.dtype, torch.float32)).square_().sum().sqrt_()


def by_shared_input(
    layers: Sequence[LinearLayer], windows: Tensor, run: Callable[[], object]
) -> tuple[tuple[LinearLayer, ...], ...]:
    """The layers in groups that are given the same tensor, in the order in which `run` calls them.

    `run` is a forward pass of `windows`. A layer that it does not call comes last, in a group of its own.
    """
    groups: list[tuple[Tensor | None, list[LinearLayer]]] = []

    class Grouping(Observer):
        def before(self, seen: Seen) -> None:
            same = next((members for inputs, members in groups if inputs is seen.inputs), None)
            if same is None:
                groups.append((seen.inputs, [seen.layer]))
            else:
                same.append(seen.layer)

    with observing(layers, windows, Grouping()):
        run()
    called = {layer.name for _, members in groups for layer in members}
    groups += [(None, [layer]) for layer in layers if layer.name not in called]
    return tuple(tuple(members) for _, members in groups)
