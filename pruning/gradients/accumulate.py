"""Sums over windows of what is made of each window's weight gradient: formed, added, and never stored."""

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import get_args

import torch
from torch import Tensor

from pruning.gradients.part import Part
from pruning.recipe import GradientNorm

log = logging.getLogger(__name__)

# Of a layer: a tile of the kernel for each multiprocessor of a large GPU.
_LEAST_WEIGHTS = 1 << 21


def accumulate(sums: Mapping[GradientNorm, Tensor], *parts: Part) -> None:
    """Add to the sums, (outputs, inputs) each, |g| for l1 and g² for l2 of every window's gradient g: the sum
    of the δᵀx of all parts.

    The order of the windows is the order of the sums, whatever the number of windows in a call.
    """
    # A product in float32 has room for the sum.
    parts = tuple(sorted(parts, key=lambda part: part.deltas[0].itemsize))
    narrowest = parts[0].deltas[0]
    if _are_for_the_kernel(parts) and is_fused(narrowest.device, narrowest.dtype):
        accumulate_fused(sums, *parts)
    else:
        accumulate_plainly(sums, *parts)


def accumulate_plainly(sums: Mapping[GradientNorm, Tensor], *parts: Part) -> None:
    """By a product for each window and part, the narrowest part first."""
    for window in range(len(parts[0].deltas)):
        gradient = parts[0].product(window)
        for part in parts[1:]:
            gradient = gradient.float().addmm_(part.deltas[window].T, part.inputs[window])
        if "l2" in sums:
            sums["l2"].addcmul_(gradient, gradient)
        if "l1" in sums:
            sums["l1"].add_(gradient.abs_())


def _are_for_the_kernel(parts: Sequence[Part]) -> bool:
    """Of a large layer, and beside the narrowest at most one, of float32."""
    narrowest, *others = parts
    weights = narrowest.deltas[0].shape[1] * narrowest.inputs[0].shape[1]
    return weights >= _LEAST_WEIGHTS and [part.deltas[0].dtype for part in others] in ([], [torch.float32])


def accumulate_fused(sums: Mapping[GradientNorm, Tensor], *parts: Part) -> None:
    """In one kernel: a part of a 16-bit dtype and, behind it, at most one of float32."""
    # Triton is there on Linux only, and takes a second to load.
    from pruning.gradients.accumulate_triton import accumulate as in_one_kernel

    in_one_kernel(sums, *parts)


@lru_cache
def is_fused(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether gradients of `dtype` are formed and added in one kernel there: 16-bit ones, which tensor cores
    multiply, on CUDA, if it was seen to work.

    It is compiled when it is called for the first time, for which Triton and a C compiler must be there.
    """
    if device.type != "cuda" or dtype.itemsize != 2:
        return False
    try:
        agrees = _agrees(device, dtype)
    except Exception as error:  # whatever a compiler raises, the plain way is left
        log.warning("gradients are formed and added by products of their own, not in one kernel: %s", error)
        return False
    if not agrees:
        log.warning("the fused kernel's sums are not those of the plain way in %s: it is not used", dtype)
    return agrees


def _agrees(device: torch.device, dtype: torch.dtype) -> bool:
    """On a few random windows, as closely as rounding a gradient to 16 bits allows."""
    random = torch.Generator(device).manual_seed(0)

    def windows(tokens: int, features: int, kind: torch.dtype) -> Sequence[Tensor]:
        return torch.randn(2, tokens, features, generator=random, device=device).to(kind).unbind()

    parts = [
        Part(windows(tokens, 200, kind), windows(tokens, 150, kind))
        for tokens, kind in ((70, dtype), (8, torch.float32))
    ]
    found, expected = _zeros(device, 150, 200), _zeros(device, 150, 200)
    accumulate_fused(found, *parts)
    accumulate_plainly(expected, *parts)
    step = torch.finfo(dtype).eps
    return all(torch.allclose(found[norm], expected[norm], rtol=4 * step, atol=step) for norm in found)


def _zeros(device: torch.device, *shape: int) -> dict[GradientNorm, Tensor]:
    return {norm: torch.zeros(shape, device=device) for norm in get_args(GradientNorm)}
