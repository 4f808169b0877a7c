"""Statistics of what a block's linear layers are given while the calibration windows run through it."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from pruning.layers import LinearLayer
from pruning.observe import Observer, Seen, observing
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
            dtype = torch.promote_types(window.dtype, torch.float32)
            squared = torch.linalg.vector_norm(window, dim=0, dtype=dtype).square_()
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
        groups: list[tuple[Tensor, dict[Need, Statistic]]] = []
        missing = {layer.name for layer in self._layers}

        def take_in(seen: Seen) -> None:
            name = seen.layer.name
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

        class TakingIn(Observer):
            def before(self, seen: Seen) -> None:
                take_in(seen)
                missing.discard(seen.layer.name)
                if not missing:
                    raise InputsSeen

        with observing(self._layers, windows, TakingIn()):
            yield

    def of(self, layer: LinearLayer, need: Need) -> Tensor:
        """What was measured on the layer's input; see InputNorms and SecondMoments."""
        return self._by_layer[layer.name][need].value


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
