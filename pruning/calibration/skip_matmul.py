"""Finds the one matrix product that recomputing a block for its gradients can skip.

A block's last product only feeds its output, which the forward pass has computed before. Where the backward
pass does not need that product, skipping it saves a fair part of the recomputation. Whether it can be skipped
depends on the architecture (a norm after it needs it, a residual sum does not), so it is tried on a few
tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from pruning.calibration.window_norms import GradientAccumulator, WindowNorms
from pruning.models.blocks import Block
from pruning.models.hooks import LayerCall, Observer, observing
from pruning.models.layers import LinearLayer, ModuleLayer
from pruning.models.patching import replaced_forward


@contextmanager
def skipped_matmul(layer: LinearLayer | None) -> Iterator[None]:
    """While active, the layer returns zeros, but gradients flow through it as usual. None: skip nothing."""
    if layer is None:
        yield
        return

    def forward(inputs: Tensor) -> Tensor:
        zeros: Tensor = _ZeroMatmul.apply(inputs, layer.matrix)  # type: ignore[no-untyped-call]
        return zeros

    with replaced_forward(layer.module, forward):
        yield


class _ZeroMatmul(torch.autograd.Function):
    """Zeros in the forward pass; the gradient of x·Wᵀ with respect to x in the backward pass."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, matrix: Tensor) -> Tensor:  # noqa: ANN401 - autograd's context
        ctx.save_for_backward(matrix)
        return inputs.new_zeros(*inputs.shape[:-1], len(matrix))

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - autograd's context
        (matrix,), (delta,) = ctx.saved_tensors, upstream
        return (delta.reshape(-1, len(matrix)) @ matrix).view(*delta.shape[:-1], matrix.shape[1]), None


class SkippableMatmul:
    """Finds each block's skippable product, with one trial per kind of block."""

    def __init__(self) -> None:
        self._name_by_kind: dict[object, str | None] = {}

    def find(self, block: Block, run: Callable[[Tensor], Tensor], hidden: Tensor) -> LinearLayer | None:
        """Return the layer whose product can be skipped, or None.

        `run` calls the block on `hidden`, a probe of (1, tokens, features).
        """
        parameters = block.module.named_parameters()
        kind = (
            type(block.module),
            tuple((name, parameter.shape) for name, parameter in parameters),
            tuple(layer.name.removeprefix(block.name) for layer in block.layers),
        )
        if kind not in self._name_by_kind:
            layer = _last_called(block.layers, run, hidden)
            with_all, without = (_gradients(block.layers, skip, run, hidden) for skip in (None, layer))
            can_skip = layer is not None and all(map(torch.equal, with_all, without))
            self._name_by_kind[kind] = layer.name.removeprefix(block.name) if layer and can_skip else None
        name = self._name_by_kind[kind]
        return next((layer for layer in block.layers if layer.name.removeprefix(block.name) == name), None)


def _last_called(
    layers: Sequence[LinearLayer], run: Callable[[Tensor], Tensor], hidden: Tensor
) -> ModuleLayer | None:
    """Return the layer that is called last, if it is a module of its own."""
    called: list[LinearLayer] = []

    class RecordCalls(Observer):
        def before(self, call: LayerCall) -> None:
            called.append(call.layer)

    with torch.no_grad(), observing(layers, hidden[..., 0], RecordCalls()):
        run(hidden)
    return called[-1] if called and isinstance(called[-1], ModuleLayer) else None


def _gradients(
    layers: Sequence[LinearLayer],
    skip: LinearLayer | None,
    run: Callable[[Tensor], Tensor],
    hidden: Tensor,
) -> list[Tensor]:
    """Return a probe function's gradient at the block's input, and the L1 norms of all layers' gradients."""
    leaf = hidden.detach().requires_grad_()
    sums = {layer.name: WindowNorms(layer, ["l1"]) for layer in layers}
    accumulator = GradientAccumulator(layers, sums)
    with torch.enable_grad(), skipped_matmul(skip), observing(layers, hidden[..., 0], accumulator):
        output = run(leaf)
        delta = torch.linspace(-1, 1, output.numel(), dtype=output.dtype, device=output.device)
        (at_input,) = torch.autograd.grad(output, leaf, delta.view_as(output))
    accumulator.check_complete()
    return [at_input, *(norms.finish("l1", 1) for norms in sums.values())]
