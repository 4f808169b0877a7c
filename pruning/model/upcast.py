"""A model of a narrow dtype that computes in float32, with the weights that it has."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import PreTrainedModel

from pruning.model.blocks import Block
from pruning.model.layers import ModuleLayer, linear_layers

Widen = Callable[[str, Tensor], Tensor]
"""A layer's matrix in float32, by the layer's name."""


class BlockInFloat32:
    """A block of narrow weights, to be called with float32 hidden states.

    A matrix is widened when a product is formed, and stays so until `release`: micro-batches that come one
    behind the other share it. Autograd keeps the narrow one, and a backward pass behind `release` widens it
    once more. What is not the matrix of a linear module, such as fused experts, autograd does keep.
    """

    def __init__(self, block: Block) -> None:
        """Must be resident whenever it is called."""
        self._module = block.module
        layers = linear_layers(block.module, block.name)
        self._linear = [layer for layer in layers if isinstance(layer, ModuleLayer)]
        self._wide: dict[str, Tensor] | None = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - stands in for any block
        """What the block returns."""
        others = _widened(self._module, apart_from={layer.parameter for layer in self._linear})
        with ExitStack() as products:
            for layer in self._linear:
                products.enter_context(_product_in_float32(layer, self._widen))
            return functional_call(self._module, others, args, kwargs)

    def release(self) -> None:
        """Free the widened matrices."""
        self._wide = None

    def _widen(self, name: str, matrix: Tensor) -> Tensor:
        if self._wide is None:
            return matrix.float()
        if name not in self._wide:
            self._wide[name] = matrix.float()
        return self._wide[name]


def trunk_in_float32(model: PreTrainedModel, blocks: Collection[nn.Module]) -> Callable[..., Any]:
    """The model without its head, from the embeddings on; `blocks` are what they are."""
    base, embeddings = model.base_model, model.get_input_embeddings()
    inside = set(chain.from_iterable(block.parameters() for block in blocks))

    def run(**kwargs: Any) -> Any:  # noqa: ANN401 - stands in for any model
        widened = _widened(base, apart_from={*inside, *embeddings.parameters()})
        hook = embeddings.register_forward_hook(lambda module, args, output: output.float())
        try:
            return functional_call(base, widened, (), kwargs)
        finally:
            hook.remove()

    return run


def _widened(module: nn.Module, apart_from: Collection[nn.Parameter]) -> dict[str, Tensor]:
    """Float32 copies of the parameters and buffers that are narrower, by name."""
    parameters = {
        name: nn.Parameter(parameter.float(), requires_grad=False)
        for name, parameter in module.named_parameters()
        if parameter not in apart_from and _is_narrow(parameter)
    }
    buffers = {name: buffer.float() for name, buffer in module.named_buffers() if _is_narrow(buffer)}
    return {**parameters, **buffers}


def _is_narrow(tensor: Tensor) -> bool:
    return tensor.is_floating_point() and tensor.itemsize < torch.float32.itemsize


@contextmanager
def _product_in_float32(layer: ModuleLayer, widen: Widen) -> Iterator[None]:
    def forward(inputs: Tensor) -> Tensor:
        product: Tensor = _Product.apply(inputs, layer.matrix, partial(widen, layer.name))  # type: ignore[no-untyped-call]
        bias = layer.module.bias
        return product + bias if isinstance(bias, Tensor) else product

    # On the instance: the class's forward shows again when it is deleted.
    layer.module.forward = forward
    try:
        yield
    finally:
        del layer.module.forward


class _Product(torch.autograd.Function):
    """x·Wᵀ of a float32 x (…, inputs) and a narrow W (outputs, inputs), for the gradient by x."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, matrix: Tensor, widen: Callable[[Tensor], Tensor]) -> Tensor:  # noqa: ANN401 - autograd's context
        ctx.save_for_backward(matrix)
        ctx.widen = widen
        return inputs @ widen(matrix).T

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        (matrix,), (delta,) = ctx.saved_tensors, upstream
        return delta @ ctx.widen(matrix), None, None
