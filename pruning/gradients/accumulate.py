"""Accumulates |g| and g² over windows, where g = δᵀx is one window's weight gradient.

No gradient is stored: each is formed, added to the sums and dropped. On CUDA in 16 bits, one Triton kernel
does all of it; elsewhere, or where that kernel fails its self-test, torch's matrix products do.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import get_args

import torch
from torch import Tensor

from pruning.gradients.factors import GradientFactors
from pruning.recipe import GradientNorm
from pruning.runtime.device import current_device

log = logging.getLogger(__name__)

# A smaller layer has fewer tiles than a large GPU has multiprocessors.
_MIN_FUSED_WEIGHTS = 1 << 21


def accumulate(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
    """Add every window's gradient to `sums`: |g| to "l1" and g² to "l2", each (outputs, inputs).

    The gradient of a window is the sum of the products δᵀx of all `factors`. Windows are added in order, so
    the result does not depend on how many of them share a call.
    """
    # The narrowest comes first: its product is rounded once, then the float32 ones are added to it.
    factors = tuple(sorted(factors, key=lambda each: each.deltas[0].itemsize))
    narrowest = factors[0].deltas[0]
    if _suits_fused_kernel(factors) and uses_fused_kernel(narrowest.device, narrowest.dtype):
        accumulate_fused(sums, *factors)
    else:
        accumulate_by_matmul(sums, *factors)


def accumulate_by_matmul(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
    """Do the same with one matrix product per window and factor pair. The narrowest must come first."""
    for window in range(len(factors[0].deltas)):
        gradient = factors[0].gradient(window)
        for other in factors[1:]:
            gradient = gradient.float().addmm_(other.deltas[window].T, other.inputs[window])
        if "l2" in sums:
            sums["l2"].addcmul_(gradient, gradient)
        if "l1" in sums:
            sums["l1"].add_(gradient.abs_())


def accumulate_fused(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
    """Do the same in one Triton kernel: 16-bit factors, then at most one pair in float32."""
    # Triton exists on Linux only, and takes a second to import.
    from pruning.gradients.accumulate_triton import accumulate as accumulate_in_kernel

    with current_device(factors[0].deltas[0].device):  # where Triton launches
        accumulate_in_kernel(sums, *factors)


def _suits_fused_kernel(factors: Sequence[GradientFactors]) -> bool:
    """Whether the layer is large, and at most one float32 pair follows the narrowest."""
    narrowest, *others = factors
    weights = narrowest.deltas[0].shape[1] * narrowest.inputs[0].shape[1]
    dtypes = [other.deltas[0].dtype for other in others]
    return weights >= _MIN_FUSED_WEIGHTS and dtypes in ([], [torch.float32])


@lru_cache
def uses_fused_kernel(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether gradients of `dtype` are accumulated by the fused kernel on `device`.

    True for 16-bit dtypes on CUDA, provided that the kernel compiles and passes a self-test. The first call
    compiles it, which needs Triton and a C compiler; on failure a warning is logged.
    """
    if device.type != "cuda" or dtype.itemsize != 2:
        return False
    try:
        passed = _kernel_passes_self_test(device, dtype)
    except Exception as error:  # a compiler can raise anything; the matrix products always work
        log.warning("the fused gradient kernel does not run, using torch matmul instead: %s", error)
        return False
    if not passed:
        log.warning("the fused gradient kernel gives wrong sums in %s, using torch matmul instead", dtype)
    return passed


def _kernel_passes_self_test(device: torch.device, dtype: torch.dtype) -> bool:
    """Compare both ways on random windows, within what rounding a gradient to 16 bits allows."""
    generator = torch.Generator(device).manual_seed(0)

    def windows(tokens: int, features: int, kind: torch.dtype) -> Sequence[Tensor]:
        return torch.randn(2, tokens, features, generator=generator, device=device).to(kind).unbind()

    factors = [
        GradientFactors(windows(tokens, 200, kind), windows(tokens, 150, kind))
        for tokens, kind in ((70, dtype), (8, torch.float32))
    ]
    found, expected = _zero_sums(device, 150, 200), _zero_sums(device, 150, 200)
    accumulate_fused(found, *factors)
    accumulate_by_matmul(expected, *factors)
    eps = torch.finfo(dtype).eps
    return all(torch.allclose(found[norm], expected[norm], rtol=4 * eps, atol=eps) for norm in found)


def _zero_sums(device: torch.device, *shape: int) -> dict[GradientNorm, Tensor]:
    return {norm: torch.zeros(shape, device=device) for norm in get_args(GradientNorm)}
