"""Statistics of what a block's linear layers are given while the calibration windows run through it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from pruning.blocks import LinearLayer
from pruning.recipe import Need


class Statistic(Protocol):
    """Something measured on one input, window after window."""

    def add(self, inputs: Tensor) -> None:
        """Take in `inputs` (windows, length, features)."""

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

    def add(self, inputs: Tensor) -> None:
        """`inputs` (windows, length, features)."""
        dtype = torch.promote_types(inputs.dtype, torch.float32)
        for squared in torch.linalg.vector_norm(inputs, dim=1, dtype=dtype).square_():
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

    def add(self, inputs: Tensor) -> None:
        """`inputs` (windows, length, features)."""
        for window in inputs.to(torch.promote_types(inputs.dtype, torch.float32)):
            moments = window.T @ window
            self._sum = moments if self._windows == 0 else self._sum.add_(moments)
            self._windows += 1

    @property
    def value(self) -> Tensor:
        """(features, features), symmetric."""
        return self._sum / self._windows


class InputStatistics:
    """What a recipe needs to know of each distinct input of a block's linear layers.

    Layers that are given the same tensor (query, key and value, say) share one set of statistics. Same means
    the same object, seen while it is held: an address may be used again for another tensor.
    """

    _KINDS: ClassVar[dict[Need, type[Statistic]]] = {
        "input_norms": InputNorms,
        "second_moments": SecondMoments,
    }

    def __init__(self, layers: Sequence[LinearLayer], needs: Collection[Need]) -> None:
        """For the linear layers of one block, and what is needed of their inputs."""
        self._layers = layers
        self._kinds = {need: kind for need, kind in self._KINDS.items() if need in needs}
        self._by_layer: dict[str, dict[Need, Statistic]] = {}

    @contextmanager
    def watching(self, windows: Tensor) -> Iterator[None]:
        """While active, one forward pass of the block for these windows (windows, length) is taken in.

        The pass ends with InputsSeen, which is to be suppressed, where no later layer is watched.
        """
        seen: list[tuple[Tensor, dict[Need, Statistic]]] = []
        missing = {layer.name for layer in self._layers}

        def watch(layer: LinearLayer) -> Callable[[nn.Module, tuple[Any, ...]], None]:
            def before_forward(_: nn.Module, args: tuple[Any, ...]) -> None:
                take_in(layer, args[0])
                missing.discard(layer.name)
                if not missing:
                    raise InputsSeen

            return before_forward

        def take_in(layer: LinearLayer, inputs: Tensor) -> None:
            shared = next((statistics for tensor, statistics in seen if tensor is inputs), None)
            if shared is not None:
                self._by_layer[layer.name] = shared
                return
            new = {need: kind() for need, kind in self._kinds.items()}
            statistics = self._by_layer.setdefault(layer.name, new)
            for statistic in statistics.values():
                statistic.add(layer.by_window(inputs, windows))
            seen.append((inputs, statistics))

        with ExitStack() as hooks:
            for layer in self._layers:
                hooks.callback(layer.module.register_forward_pre_hook(watch(layer)).remove)
            yield

    def of(self, layer: LinearLayer, need: Need) -> Tensor:
        """What was measured on the layer's input; see InputNorms and SecondMoments."""
        return self._by_layer[layer.name][need].value


def by_shared_input(
    layers: Sequence[LinearLayer], run: Callable[[], object]
) -> tuple[tuple[LinearLayer, ...], ...]:
    """The layers in groups that are given the same tensor, in the order in which `run` calls them.

    A layer that `run` does not call comes last, in a group of its own.
    """
    groups: list[tuple[Tensor | None, list[LinearLayer]]] = []

    def watch(layer: LinearLayer) -> Callable[[nn.Module, tuple[Any, ...]], None]:
        def before_forward(_: nn.Module, args: tuple[Any, ...]) -> None:
            same = next((members for inputs, members in groups if inputs is args[0]), None)
            if same is None:
                groups.append((args[0], [layer]))
            else:
                same.append(layer)

        return before_forward

    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(layer.module.register_forward_pre_hook(watch(layer)).remove)
        run()
    called = {layer.name for _, members in groups for layer in members}
    groups += [(None, [layer]) for layer in layers if layer.name not in called]
    return tuple(tuple(members) for _, members in groups)
