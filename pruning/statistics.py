"""Statistics of what a block's linear layers are given while the calibration windows run through it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from pruning.blocks import LinearLayer


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


class InputStatistics:
    """One `InputNorms` for each distinct input of a block's linear layers.

    Layers that are given the same tensor (query, key and value, say) share it. Same means the same object,
    seen while it is held: an address may be used again for another tensor.
    """

    def __init__(self, layers: Sequence[LinearLayer]) -> None:
        """For the linear layers of one block."""
        self._layers = layers
        self._by_layer: dict[str, InputNorms] = {}

    @contextmanager
    def watching(self, windows: Tensor) -> Iterator[None]:
        """While active, one forward pass of the block for these windows (windows, length) is taken in."""
        seen: list[tuple[Tensor, InputNorms]] = []

        def watch(layer: LinearLayer) -> Callable[[nn.Module, tuple[Any, ...]], None]:
            def before_forward(_: nn.Module, args: tuple[Any, ...]) -> None:
                inputs: Tensor = args[0]
                shared = next((norms for tensor, norms in seen if tensor is inputs), None)
                if shared is not None:
                    self._by_layer[layer.name] = shared
                    return
                norms = self._by_layer.setdefault(layer.name, InputNorms())
                norms.add(layer.by_window(inputs, windows))
                seen.append((inputs, norms))

            return before_forward

        with ExitStack() as hooks:
            for layer in self._layers:
                hooks.callback(layer.module.register_forward_pre_hook(watch(layer)).remove)
            yield

    def input_norms(self, layer: LinearLayer) -> Tensor:
        """(inputs,); see InputNorms."""
        return self._by_layer[layer.name].value
