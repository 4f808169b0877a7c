"""Runs a block of a narrow-dtype model in float32, with the weights that it has.

The gradient pass needs it for the first tokens of each window (`pruning.calibration.mixed_precision`). Each
matrix is upcast when it is used, so that at most one block exists in float32; in bfloat16 on CUDA, none is.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import PreTrainedModel

from pruning.models.blocks import Block
from pruning.models.layers import ExpertLayer, ModuleLayer, linear_layers
from pruning.models.patching import has_replaced_forward, replaced_forward
from pruning.runtime.bfloat16_parts import float32_product, multiplies_by_parts

Upcast = Callable[[str, Tensor], Tensor]
"""Returns a layer's matrix in float32, given the layer's name and the matrix."""


class BlockInFloat32:
    """A block with narrow weights that is called with float32 hidden states.

    A matrix is upcast at its first product and kept until `release`, so that consecutive micro-batches share
    it. On CUDA, a bfloat16 matrix is not upcast at all (`pruning.runtime.bfloat16_parts`). Autograd saves
    only the narrow matrix, and a backward pass after `release` upcasts it again. Fused
    experts that run one by one (`pruning.models.hooks`) are upcast one at a time by `expert_product`, and
    only those that receive tokens. Whatever else there is in the block, autograd saves in float32.
    """

    def __init__(self, block: Block) -> None:
        """The block must be resident whenever this is called."""
        self._module = block.module
        layers = linear_layers(block.module, block.name)
        self._linear = [layer for layer in layers if isinstance(layer, ModuleLayer)]
        self._experts = [layer for layer in layers if isinstance(layer, ExpertLayer)]
        self._in_float32: dict[str, Tensor] | None = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - replaces any block
        one_by_one = [layer for layer in self._experts if has_replaced_forward(layer.module)]
        matrices = {layer.parameter for layer in (*self._linear, *one_by_one)}
        others = _upcast_tensors(self._module, apart_from=matrices)
        with ExitStack() as products:
            for layer in self._linear:
                products.enter_context(_product_in_float32(layer, self._upcast))
            return functional_call(self._module, others, args, kwargs)

    def release(self) -> None:
        """Free the float32 matrices."""
        self._in_float32 = None

    def _upcast(self, name: str, matrix: Tensor) -> Tensor:
        if self._in_float32 is None:
            return matrix.float()
        if name not in self._in_float32:
            self._in_float32[name] = matrix.float()
        return self._in_float32[name]


def expert_product(layer: ExpertLayer, inputs: Tensor) -> Tensor:
    """Return x·Wᵀ, (tokens, outputs), for the `inputs` x (tokens, inputs) of one expert.

    A narrow matrix with float32 inputs is upcast for this product alone, and again for its gradient (on CUDA
    in bfloat16, it is not upcast).
    """
    matrix = layer.matrix
    if inputs.dtype != torch.float32 or not _is_narrow(matrix):
        return nn.functional.linear(inputs, matrix)
    product: Tensor = _Product.apply(inputs, matrix, Tensor.float)  # type: ignore[no-untyped-call]
    return product


def trunk_in_float32(model: PreTrainedModel, blocks: Collection[nn.Module]) -> Callable[..., Any]:
    """Return a callable that runs the model without its head in float32, from the embeddings on.

    The parameters of `blocks` are left alone: the caller replaces what the blocks do.
    """
    base, embeddings = model.base_model, model.get_input_embeddings()
    in_blocks = set(chain.from_iterable(block.parameters() for block in blocks))

    def run(**kwargs: Any) -> Any:  # noqa: ANN401 - replaces any model
        upcast = _upcast_tensors(base, apart_from={*in_blocks, *embeddings.parameters()})
        hook = embeddings.register_forward_hook(lambda module, args, output: output.float())
        try:
            return functional_call(base, upcast, (), kwargs)
        finally:
            hook.remove()

    return run


def _upcast_tensors(module: nn.Module, apart_from: Collection[nn.Parameter]) -> dict[str, Tensor]:
    """Return float32 copies of the narrower parameters and buffers, by name."""
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
def _product_in_float32(layer: ModuleLayer, upcast: Upcast) -> Iterator[None]:
    def forward(inputs: Tensor) -> Tensor:
        product: Tensor = _Product.apply(inputs, layer.matrix, partial(upcast, layer.name))  # type: ignore[no-untyped-call]
        bias = layer.module.bias
        return product + bias if isinstance(bias, Tensor) else product

    with replaced_forward(layer.module, forward):
        yield


class _Product(torch.autograd.Function):
    """x·Wᵀ for a float32 x (…, inputs) and a narrow W (outputs, inputs); differentiable in x only."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, matrix: Tensor, upcast: Callable[[Tensor], Tensor]) -> Tensor:  # noqa: ANN401 - autograd's context
        ctx.save_for_backward(matrix)
        ctx.upcast = None if multiplies_by_parts(matrix) else upcast
        return _product(inputs, matrix, ctx.upcast, transposed=True)

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401 - autograd's context
        (matrix,), (delta,) = ctx.saved_tensors, upstream
        return _product(delta, matrix, ctx.upcast, transposed=False), None, None


def _product(
    inputs: Tensor, matrix: Tensor, upcast: Callable[[Tensor], Tensor] | None, *, transposed: bool
) -> Tensor:
    """Return the product of float32 inputs (…, features) and a narrow matrix, which may be `transposed`.

    Without `upcast`, by parts.
    """

    def oriented(matrix: Tensor) -> Tensor:
        return matrix.T if transposed else matrix

    if not inputs.numel():  # an expert that receives no token
        return inputs.new_empty(*inputs.shape[:-1], oriented(matrix).shape[1])
    if upcast is None:
        return float32_product(inputs, oriented(matrix))
    return inputs @ oriented(upcast(matrix))
