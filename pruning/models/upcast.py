"""Runs a block of a narrow-dtype model in float32, with the weights that it has.

The gradient pass needs it for the first tokens of each window (`pruning.calibration.mixed_precision`). Each
matrix is upcast when it is used, so that at most one block exists in float32; in bfloat16 on CUDA, none is.
There float32 numbers are multiplied with it by parts: a float32 number has 24 bits, so it is the sum of three
bfloat16 numbers of eight. A GPU multiplies bfloat16 numbers exactly and adds the products in float32, ten
times faster than it multiplies float32 numbers.
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
from pruning.models.module_calls import has_replaced_forward, replaced_forward


def bfloat16_parts(numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return three bfloat16 tensors whose sum is the float32 `numbers`, the largest part first.

    The sum is exact from 1e-30 on; below, the last part may be too small for bfloat16.
    """
    high = numbers.bfloat16()
    rest = numbers - high
    middle = rest.bfloat16()
    return high, middle, (rest - middle).bfloat16()


def multiplies_by_parts(matrix: Tensor) -> bool:
    """Whether float32 numbers are multiplied with this matrix by `float32_product`."""
    return matrix.dtype == torch.bfloat16 and matrix.device.type == "cuda"


def float32_product(numbers: Tensor, matrix: Tensor) -> Tensor:
    """Return numbers · matrix, (…, columns), in float32, without a float32 copy of the matrix.

    `numbers`: float32 (…, rows). `matrix`: bfloat16 (rows, columns). Nothing but the sums is rounded.
    """
    parts = torch.cat(bfloat16_parts(numbers.reshape(-1, len(matrix))))
    sums = _sums_in_float32(parts, matrix).view(3, *numbers.shape[:-1], matrix.shape[1])
    high, middle, low = sums.unbind()
    return low + middle + high  # no view: a block may change it in place, which autograd forbids for views


def _sums_in_float32(one: Tensor, other: Tensor) -> Tensor:
    """Multiply bfloat16 matrices; torch has this product for CUDA only."""
    return torch.mm(one, other, out_dtype=torch.float32)


Upcast = Callable[[str, Tensor], Tensor]
"""Returns a layer's matrix in float32, given the layer's name and the matrix."""


class BlockInFloat32:
    """A block with narrow weights that is called with float32 hidden states.

    A matrix is upcast at its first product and kept until `release`, so that consecutive micro-batches share
    it. On CUDA, a bfloat16 matrix is not upcast at all (`float32_product`). Autograd saves
    only the narrow matrix, and a backward pass after `release` upcasts it again. Fused
    experts that run one by one (`pruning.models.hooks`) are upcast one at a time by `expert_product`, and
    only those that receive tokens. Everything else in the block is saved by autograd in float32.
    """

    def __init__(self, block: Block) -> None:
        """The block must be resident whenever this is called."""
        self._module = block.module
        layers = linear_layers(block.module, block.name)
        self._linear = [layer for layer in layers if isinstance(layer, ModuleLayer)]
        self._experts = [layer for layer in layers if isinstance(layer, ExpertLayer)]
        self._in_float32: dict[str, Tensor] | None = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - replaces any block
        run_separately = [layer for layer in self._experts if has_replaced_forward(layer.module)]
        matrices = {layer.parameter for layer in (*self._linear, *run_separately)}
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


def trunk_of(model: PreTrainedModel) -> nn.Module:
    """Return the model without its head, also where its class does not name it (Llama 4)."""
    base: nn.Module = model.base_model
    inner = [child for child in model.children() if isinstance(child, PreTrainedModel)]
    return inner[0] if base is model and len(inner) == 1 else base


def trunk_in_float32(model: PreTrainedModel, blocks: Collection[nn.Module]) -> Callable[..., Any]:
    """Return a callable that runs the model without its head in float32, from the embeddings on.

    The parameters of `blocks` are not upcast: the caller replaces their forward methods.
    """
    base, embeddings = trunk_of(model), model.get_input_embeddings()
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
