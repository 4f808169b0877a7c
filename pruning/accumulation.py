"""Sums over windows of what is made of each window's weight gradient: formed, added, and never stored."""

import importlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import get_args

import torch
from torch import Tensor

from pruning.recipe import GradientNorm

log = logging.getLogger(__name__)

# Of a layer: a tile of the kernel for each multiprocessor of a large GPU.
_LEAST_WEIGHTS = 1 << 21


@dataclass(frozen=True)
class Part:
    """What one use of a layer gives to its gradients, window by window."""

    inputs: Sequence[Tensor]  # (tokens, inputs) of each, taken apart from one tensor
    deltas: Sequence[Tensor]  # (tokens, outputs): the gradient at what the layer returned

    def product(self, window: int) -> Tensor:
        """δᵀx, (outputs, inputs)."""
        return self.deltas[window].T @ self.inputs[window]


def accumulate(sums: Mapping[GradientNorm, Tensor], *parts: Part) -> None:
    """Add to the sums, (outputs, inputs) each, |g| for l1 and g² for l2 of every window's gradient g: the sum
    of the δᵀx of all parts.

    The order of the windows is the order of the sums, whatever the number of windows in a call.
    """
    # A product in float32 has room for the sum.
    parts = tuple(sorted(parts, key=lambda part: part.deltas[0].itemsize))
    if _are_for_the_kernel(parts) and is_fused(parts[0].deltas[0].device):
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
    """One of a 16-bit dtype, which tensor cores multiply, and at most one of float32 beside it."""
    first, *others = (part.deltas[0] for part in parts)
    weights = first.shape[1] * parts[0].inputs[0].shape[1]
    narrow = first.itemsize == 2 and all(delta.dtype == torch.float32 for delta in others)
    return narrow and len(others) <= 1 and weights >= _LEAST_WEIGHTS


def accumulate_fused(sums: Mapping[GradientNorm, Tensor], *parts: Part) -> None:
    """In one kernel: a part of a 16-bit dtype and, behind it, at most one of float32."""
    importlib.import_module("pruning.fused_accumulation").accumulate(sums, *parts)


@lru_cache
def is_fused(device: torch.device) -> bool:
    """Whether 16-bit gradients are formed and added in one kernel there: on CUDA, if it was seen to work.

    It is compiled when it is called for the first time, for which Triton and a C compiler must be there.
    """
    if device.type != "cuda":
        return False
    try:
        return _agrees(device)
    except Exception as error:  # whatever a compiler raises, the plain way is left
        log.warning("gradients are formed and added by products of their own, not in one kernel: %s", error)
        return False


def _agrees(device: torch.device) -> bool:
    """On a few random windows, as closely as rounding a gradient to 16 bits allows."""
    random = torch.Generator(device).manual_seed(0)

    def windows(tokens: int, features: int, dtype: torch.dtype) -> Sequence[Tensor]:
        return torch.randn(2, tokens, features, generator=random, device=device).to(dtype).unbind()

    for dtype in (torch.bfloat16, torch.float16):
        parts = [
            Part(windows(tokens, 200, kind), windows(tokens, 150, kind))
            for tokens, kind in ((70, dtype), (8, torch.float32))
        ]
        found, expected = _zeros(device, 200, 150), _zeros(device, 200, 150)
        accumulate_fused(found, *parts)
        accumulate_plainly(expected, *parts)
        step = torch.finfo(dtype).eps
        if not all(torch.allclose(found[norm], expected[norm], rtol=4 * step, atol=step) for norm in found):
            log.warning("the fused kernel's sums are not those of the plain way in %s: it is not used", dtype)
            return False
    return True


def _zeros(device: torch.device, *shape: int) -> dict[GradientNorm, Tensor]:
    return {norm: torch.zeros(shape, device=device) for norm in get_args(GradientNorm)}
