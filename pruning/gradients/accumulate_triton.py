"""The fused Triton kernel of `accumulate`: no gradient ever reaches the GPU's memory.

A plain product writes each window's gradient, reads it to take absolute values, writes those, reads them
again to add them, and reads and writes the sum: 16 bytes of traffic per weight and window for 16-bit
gradients. Here a tile of the sums stays in registers while all windows of a micro-batch pass. Import it only
where Triton is installed.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate as running_total

import torch
import triton
import triton.language as tl
from torch import Tensor

from pruning.gradients.factors import GradientFactors
from pruning.recipe import GradientNorm

_TILE = 128
_TILE_WIDTH_FOR_TWO_SUMS = 64  # two sums of 128 x 128 would not fit in registers
_TILE_ROWS_PER_GROUP = 8
_TOKENS_PER_STEP = 64
_FLOAT32_TOKENS_PER_STEP = 16

COMPILE_OPTIONS = {"num_warps": 8, "num_stages": 3, "enable_fp_fusion": True}


@triton.jit
def _add_product(gradient, deltas, inputs, ends, window, rows, columns, height, width, tokens: tl.constexpr):
    """Add a tile of one window's δᵀx to `gradient`, `tokens` tokens at a time."""
    stop = tl.load(ends + window + 1)
    for start in range(tl.load(ends + window), stop, tokens):
        token = (start + tl.arange(0, tokens))[:, None]
        valid = token < stop
        delta = tl.load(
            deltas + token * height + rows[None, :], mask=valid & (rows < height)[None, :], other=0.0
        )
        x = tl.load(
            inputs + token * width + columns[None, :], mask=valid & (columns < width)[None, :], other=0.0
        )
        # "ieee" keeps all bits of float32; it has no effect on narrower dtypes.
        gradient = tl.dot(tl.trans(delta), x, gradient, input_precision="ieee")
    return gradient


@triton.jit
def _kernel(
    deltas,
    inputs,
    ends,
    wide_deltas,
    wide_inputs,
    wide_ends,
    l1,
    l2,
    windows,
    height,
    width,
    has_wide: tl.constexpr,
    has_l1: tl.constexpr,
    has_l2: tl.constexpr,
    tile_height: tl.constexpr,
    tile_width: tl.constexpr,
    tokens: tl.constexpr,
    wide_tokens: tl.constexpr,
    group: tl.constexpr,
):
    """Compute one tile of the sums over all windows. `ends`: int64 (windows + 1,), starting with 0."""
    # Programs that run at the same time take neighbouring tiles, so that their loads share the cache.
    program, across = tl.program_id(0), tl.cdiv(width, tile_width)
    top = program // (group * across) * group
    within, high = program % (group * across), tl.minimum(tl.cdiv(height, tile_height) - top, group)
    rows = (top + within % high) * tile_height + tl.arange(0, tile_height)
    columns = within // high * tile_width + tl.arange(0, tile_width)
    tile = rows.to(tl.int64)[:, None] * width + columns[None, :]
    inside = (rows < height)[:, None] & (columns < width)[None, :]
    if has_l1:
        sum_l1 = tl.load(l1 + tile, mask=inside, other=0.0)
    if has_l2:
        sum_l2 = tl.load(l2 + tile, mask=inside, other=0.0)
    for window in range(windows):
        gradient = tl.zeros((tile_height, tile_width), tl.float32)
        gradient = _add_product(gradient, deltas, inputs, ends, window, rows, columns, height, width, tokens)
        # Round once to the narrow dtype, as a separate matrix product would.
        gradient = gradient.to(deltas.dtype.element_ty).to(tl.float32)
        if has_wide:
            gradient = _add_product(
                gradient,
                wide_deltas,
                wide_inputs,
                wide_ends,
                window,
                rows,
                columns,
                height,
                width,
                wide_tokens,
            )
        if has_l1:
            sum_l1 += tl.abs(gradient)
        if has_l2:
            sum_l2 += gradient * gradient
    if has_l1:
        tl.store(l1 + tile, sum_l1, mask=inside)
    if has_l2:
        tl.store(l2 + tile, sum_l2, mask=inside)


def compile_constants(norms: Collection[GradientNorm], *, has_wide: bool) -> dict[str, int | bool]:
    """Return the kernel's `tl.constexpr` arguments."""
    return {
        "has_wide": has_wide,
        "has_l1": "l1" in norms,
        "has_l2": "l2" in norms,
        "tile_height": _TILE,
        "tile_width": _TILE if len(norms) == 1 else _TILE_WIDTH_FOR_TWO_SUMS,
        "tokens": _TOKENS_PER_STEP,
        "wide_tokens": _FLOAT32_TOKENS_PER_STEP,
        "group": _TILE_ROWS_PER_GROUP,
    }


def accumulate(
    sums: Mapping[GradientNorm, Tensor], narrow: GradientFactors, wide: GradientFactors | None = None
) -> None:
    """Add every window's gradient to `sums`, as `pruning.gradients.accumulate.accumulate` does.

    `sums` are float32, `narrow` is bfloat16 or float16, `wide` is float32.
    """
    flat_narrow = deltas, inputs, _ = _flattened(narrow)
    height, width = deltas.shape[1], inputs.shape[1]
    constants = compile_constants(sums.keys(), has_wide=wide is not None)
    tiles = triton.cdiv(height, constants["tile_height"]) * triton.cdiv(width, constants["tile_width"])
    unused = deltas  # a pointer that the kernel does not follow
    _kernel[(tiles,)](
        *flat_narrow,
        *(_flattened(wide) if wide else flat_narrow),
        sums.get("l1", unused),
        sums.get("l2", unused),
        len(narrow.deltas),
        height,
        width,
        **constants,
        **COMPILE_OPTIONS,
    )


def _flattened(factors: GradientFactors) -> tuple[Tensor, Tensor, Tensor]:
    """Return δ and x as (tokens of all windows, features), and the row at which each window ends."""
    ends = _window_ends(tuple(map(len, factors.deltas)), factors.deltas[0].device)
    return _concatenated(factors.deltas), _concatenated(factors.inputs), ends


def _concatenated(windows: Sequence[Tensor]) -> Tensor:
    """Concatenate the windows; without a copy where they are adjacent views of one tensor."""
    first, features = windows[0], windows[0].shape[1]
    expected = running_total((window.numel() for window in windows), initial=first.storage_offset())
    if all(
        window.is_contiguous() and window.storage_offset() == offset
        for window, offset in zip(windows, expected, strict=False)
    ):
        return first.as_strided((sum(map(len, windows)), features), (features, 1))
    return torch.cat(tuple(windows))


@lru_cache(maxsize=64)
def _window_ends(sizes: tuple[int, ...], device: torch.device) -> Tensor:
    """Cached, because a copy from the host makes the GPU's queue wait."""
    return torch.tensor([0, *running_total(sizes)], dtype=torch.int64, device=device)
