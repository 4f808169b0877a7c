"""What a block that runs again for its gradients need not compute again.

A block's last product only goes into its output, which the block behind it was given already; where the
backward pass keeps nothing of it, forming it again is a fair part of a forward pass for nothing. Whether that
is so depends on the family (a norm behind it needs it, a residual sum does not): it is tried on a few tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from pruning.gradients.window_norms import GradientAccumulator, WindowNorms
from pruning.model.blocks import Block
from pruning.model.hooks import Observer, Seen, observing
from pruning.model.layers import LinearLayer, ModuleLayer


@contextmanager
def left_out(layer: LinearLayer | None) -> Iterator[None]:
    """While active, zeros stand for the layer's product; gradients pass it as ever. None: no layer's."""
    if layer is None:
        yield
        return
    # On the instance: the class's forward shows again when it is deleted.
    layer.module.forward = lambda inputs: _LeftOut.apply(inputs, layer.matrix)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        del layer.module.forward


class _LeftOut(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, inputs: Tensor, matrix: Tensor) -> Tensor:  # noqa: ANN401 - autograd's context
        ctx.save_for_backward(matrix)
        return inputs.new_zeros(*inputs.shape[:-1], len(matrix))

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (matrix,), (delta,) = ctx.saved_tensors, upstream
        return (delta.reshape(-1, len(matrix)) @ matrix).view(*delta.shape[:-1], matrix.shape[1]), None


class SkippableMatmul:
    """Which product of a block is not needed for its gradients, found out once per kind of block."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._found: dict[object, str | None] = {}

    def product(self, block: Block, run: Callable[[Tensor], Tensor], hidden: Tensor) -> LinearLayer | None:
        """The layer, if there is one. `run` takes `hidden` (1, tokens, features) through the block."""
        parameters = block.module.named_parameters()
        kind = (
            type(block.module),
            tuple((name, parameter.shape) for name, parameter in parameters),
            tuple(layer.name.removeprefix(block.name) for layer in block.layers),
        )
        if kind not in self._found:
            layer = _last(block.layers, run, hidden)
            whole, without = (_gradients(block.layers, out, run, hidden) for out in (None, layer))
            needless = layer is not None and all(map(torch.equal, whole, without))
            self._found[kind] = layer.name.removeprefix(block.name) if layer and needless else None
        name = self._found[kind]
        return next((layer for layer in block.layers if layer.name.removeprefix(block.name) == name), None)


def _last(
    layers: Sequence[LinearLayer], run: Callable[[Tensor], Tensor], hidden: Tensor
) -> ModuleLayer | None:
    """The layer that is called last, if its product is its module's."""
    called: list[LinearLayer] = []

    class Calls(Observer):
        def before(self, seen: Seen) -> None:
            called.append(seen.layer)

    with torch.no_grad(), observing(layers, hidden[..., 0], Calls()):
        run(hidden)
    return called[-1] if called and isinstance(called[-1], ModuleLayer) else None


def _gradients(
    layers: Sequence[LinearLayer],
    without: LinearLayer | None,
    run: Callable[[Tensor], Tensor],
    hidden: Tensor,
) -> list[Tensor]:
    """By the hidden states and, as a norm, by every layer's weight: of a function of the block's output."""
    start = hidden.detach().requires_grad_()
    sums = {layer.name: WindowNorms(layer, ["l1"]) for layer in layers}
    forming = GradientAccumulator(layers, sums)
    with torch.enable_grad(), left_out(without), observing(layers, hidden[..., 0], forming):
        output = run(start)
        delta = torch.linspace(-1, 1, output.numel(), dtype=output.dtype, device=output.device)
        (by_hidden,) = torch.autograd.grad(output, start, delta.view_as(output))
    forming.finish()
    return [by_hidden, *(norms.finish("l1", 1) for norms in sums.values())]
