"""Accumulates |g| and g² over windows, where g = δᵀx is one window's weight gradient.

No gradient is stored: each is formed, added to the sums and dropped. On CUDA in 16 bits, one Triton kernel
does all of it; elsewhere, or where a variant of that kernel fails its self-test, torch's matrix products do.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor

from pruning.calibration.gradient_factors import GradientFactors, is_aligned
from pruning.models.layers import LinearLayer
from pruning.recipe import GradientNorm
from pruning.runtime.device import current_device, kernel_works

# A smaller layer has fewer tiles than a large GPU has multiprocessors.
_MIN_FUSED_WEIGHTS = 1 << 21


@dataclass(frozen=True)
class KernelVariant:
    """What the fused kernel is compiled for. If a variant fails, the others are still used."""

    norms: tuple[GradientNorm, ...]
    dtype: torch.dtype
    has_float32: bool  # whether a pair of factors in float32 follows
    aligned: bool  # see `is_aligned`

    @classmethod
    def of(
        cls, norms: Collection[GradientNorm], dtype: torch.dtype, *, has_float32: bool, shape: tuple[int, int]
    ) -> "KernelVariant":
        """Return the variant for a layer's weight of `shape` (outputs, inputs)."""
        return cls(tuple(sorted(norms)), dtype, has_float32, is_aligned(*shape))


def accumulate(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
    """Add every window's gradient to `sums`: |g| to "l1" and g² to "l2", each (outputs, inputs).

    The gradient of a window is the sum of the products δᵀx of all `factors`. Windows are added in order, so
    the result does not depend on how many of them share a call.
    """
    factors = narrowest_first(factors)
    variant, device = _variant_for(sums.keys(), factors), factors[0].deltas[0].device
    if variant is not None and uses_fused_kernel(device, variant):
        accumulate_fused(sums, *factors)
    else:
        accumulate_by_matmul(sums, *factors)


def variants_in_use(
    device: torch.device,
    dtype: torch.dtype,
    norms: Collection[GradientNorm],
    layers: Collection[LinearLayer],
    *,
    has_float32: bool,
) -> set[KernelVariant]:
    """Test the kernel variants for these layers' weights, and return those that will be used.

    `has_float32`: whether some tokens' factors are in float32.
    """
    shapes = {(layer.outputs, layer.inputs) for layer in layers}
    wanted = {
        KernelVariant.of(norms, dtype, has_float32=has_float32, shape=shape)
        for shape in shapes
        if _is_large(*shape)
    }
    return {variant for variant in wanted if uses_fused_kernel(device, variant)}


def accumulate_by_matmul(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
    """Accumulate with one matrix product per window and factor pair. The narrowest must come first."""
    for gradient in window_gradients(*factors):
        if "l2" in sums:
            sums["l2"].addcmul_(gradient, gradient)
        if "l1" in sums:
            sums["l1"].add_(gradient.abs_())
        del gradient  # before the next one is formed


def window_gradients(*factors: GradientFactors) -> Iterator[Tensor]:
    """Yield the gradient of each window, (outputs, inputs), which the caller may change.

    The narrowest factors must come first.
    """
    for window in range(len(factors[0].deltas)):
        gradient = factors[0].gradient(window)
        for other in factors[1:]:
            gradient = gradient.float().addmm_(other.deltas[window].T, other.inputs[window])
        yield gradient
        del gradient


def narrowest_first(factors: Sequence[GradientFactors]) -> tuple[GradientFactors, ...]:
    """Return them in order of their dtypes: a 16-bit product is rounded once, then float32 ones are added."""
    return tuple(sorted(factors, key=lambda each: each.deltas[0].itemsize))


def accumulate_fused(sums: Mapping[GradientNorm, Tensor], *factors: GradientFactors) -> None:
    """Accumulate in one Triton kernel: 16-bit factors, then at most one pair in float32."""
    # Triton exists on Linux only, and takes a second to import.
    from pruning.calibration.accumulate_triton import accumulate as accumulate_in_kernel

    with current_device(factors[0].deltas[0].device):  # where Triton launches
        accumulate_in_kernel(sums, *factors)


def _variant_for(norms: Collection[GradientNorm], factors: Sequence[GradientFactors]) -> KernelVariant | None:
    """Return the kernel's variant; None if the layer is small, or more than one float32 pair follows."""
    narrowest, *others = factors
    shape = narrowest.deltas[0].shape[1], narrowest.inputs[0].shape[1]
    dtypes = [other.deltas[0].dtype for other in others]
    if not _is_large(*shape) or dtypes not in ([], [torch.float32]):
        return None
    return KernelVariant.of(norms, narrowest.deltas[0].dtype, has_float32=bool(others), shape=shape)


def _is_large(outputs: int, inputs: int) -> bool:
    return outputs * inputs >= _MIN_FUSED_WEIGHTS


@lru_cache
def uses_fused_kernel(device: torch.device, variant: KernelVariant) -> bool:
    """Whether gradients are accumulated by this variant of the fused kernel on `device`.

    True for 16-bit dtypes on CUDA, provided that the variant compiles and passes a self-test. The first call
    compiles it, which needs Triton and a C compiler; on failure a warning is logged. Raises the out-of-memory
    error, so that the pass continues with a smaller micro-batch and the same kernel.
    """
    if device.type != "cuda" or variant.dtype.itemsize != 2:
        return False
    return kernel_works(
        partial(_kernel_passes_self_test, device, variant),
        "the fused gradient kernel",
        "sums",
        f"torch matmul for {variant}",
    )


def _kernel_passes_self_test(device: torch.device, variant: KernelVariant) -> bool:
    """Compare both ways on random windows, within what rounding a gradient to 16 bits allows."""
    generator = torch.Generator(device).manual_seed(0)
    outputs, inputs = (160, 208) if variant.aligned else (150, 200)
    kinds = [(70, variant.dtype)] + ([(8, torch.float32)] if variant.has_float32 else [])

    def windows(tokens: int, features: int, dtype: torch.dtype) -> Sequence[Tensor]:
        return torch.randn(2, tokens, features, generator=generator, device=device).to(dtype).unbind()

    factors = [
        GradientFactors(windows(tokens, inputs, dtype), windows(tokens, outputs, dtype))
        for tokens, dtype in kinds
    ]
    found, expected = (
        {norm: torch.zeros(outputs, inputs, device=device) for norm in variant.norms} for _ in range(2)
    )
    accumulate_fused(found, *factors)
    accumulate_by_matmul(expected, *factors)
    eps = torch.finfo(variant.dtype).eps
    return all(torch.allclose(found[norm], expected[norm], rtol=4 * eps, atol=eps) for norm in found)
