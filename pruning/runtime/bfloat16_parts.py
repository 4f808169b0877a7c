"""Float32 numbers for a GPU's bfloat16 units, without loss of precision.

A float32 number has 24 bits, so it is the sum of three bfloat16 numbers of eight. A GPU multiplies bfloat16
numbers exactly and adds the products in float32, ten times faster than it multiplies float32 numbers.
"""

from torch import Tensor


def bfloat16_parts(numbers: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return three bfloat16 tensors whose sum is the float32 `numbers`, the largest part first.

    The sum is exact from 1e-30 on; below, the last part may be too small for bfloat16.
    """
    high = numbers.bfloat16()
    rest = numbers - high
    middle = rest.bfloat16()
    return high, middle, (rest - middle).bfloat16()
