"""Products over tokens, of which second moments and activation errors are made."""

import torch
from torch import Tensor


def product_over_tokens(one: Tensor, other: Tensor) -> Tensor:
    """Return oneᵀ·other, both (tokens, features), in float32 (float64 for float64): (features, features).

    On CUDA, numbers of 16 bits are multiplied as they are, and their products added in float32. The product
    of two is exact in float32, so only the sums round, as they do on a CPU after all numbers are widened; but
    tensor cores, which float32 products do not use, take a tenth of the time.
    """
    if one.device.type == "cuda" and one.dtype == other.dtype and one.itemsize == 2:
        return torch.mm(one.T, other, out_dtype=torch.float32)
    dtype = torch.promote_types(other.dtype, torch.float32)
    wide = one.to(dtype)
    return wide.T @ (wide if other is one else other.to(dtype))
