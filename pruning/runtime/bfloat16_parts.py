"""Float32 numbers for a GPU's bfloat16 units, without loss of precision.

A float32 number has 24 bits, so it is the sum of three bfloat16 numbers of eight. A GPU multiplies bfloat16
numbers exactly and adds the products in float32, ten times faster than it multiplies float32 numbers.
"""

import torch
from torch import Tensor


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
