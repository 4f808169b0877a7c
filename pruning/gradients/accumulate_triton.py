"""Gradients formed and added to their sums in one Triton kernel: none of them ever reaches the GPU's memory.

A plain product writes each window's gradient, its absolute values are read and written, read again to be
added, and the sum is read and written: of 16-bit gradients, 16 bytes for every weight and window. Here a tile
of the sums stays in registers while the windows of a micro-batch go by. To be imported where Triton is
installed.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate as running_total

import torch
import triton
import triton.language as tl
from torch import Tensor

from pruning.gradients.part import Part
from pruning.recipe import GradientNorm

_TILE = 128
_TILE_OF_TWO_SUMS = 64  # of the inputs: two tiles of 128 would not stay in registers
_TILES_HIGH = 8
_TOKENS_AT_ONCE = 64
_FLOAT32_TOKENS_AT_ONCE = 16

OPTIONS = {"num_warps": 8, "num_stages": 3, "enable_fp_fusion": True}
"""How it is compiled."""


@triton.jit
def _plus_product(gradient, deltas, inputs, ends, window, rows, columns, height, width, tokens: tl.constexpr):
    """A tile of a window's δᵀx, added to `gradient`; `tokens` at a time."""
    stop = tl.load(ends + window + 1)
    for start in range(tl.load(ends + window), stop, tokens):
        token = (start + tl.arange(0, tokens))[:, None]
        here = token < stop
        delta = tl.load(
            deltas + token * height + rows[None, :], mask=here & (rows < height)[None, :], other=0.0
        )
        given = tl.load(
            inputs + token * width + columns[None, :], mask=here & (columns < width)[None, :], other=0.0
        )
        # "ieee": of float32, all bits; it means nothing to a narrower dtype.
        gradient = tl.dot(tl.trans(delta), given, gradient, input_precision="ieee")
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
    """One tile of the sums, over all windows. `ends`: int64 (windows + 1,), of which the first is 0."""
    # Tiles that are worked on at the same time lie together, so that what they read stays in the cache.
    number, across = tl.program_id(0), tl.cdiv(width, tile_width)
    top = number // (group * across) * group
    within, high = number % (group * across), tl.minimum(tl.cdiv(height, tile_height) - top, group)
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
        gradient = _plus_product(gradient, deltas, inputs, ends, window, rows, columns, height, width, tokens)
        # As a product of its own would be: in the dtype of what it is made from.
        gradient = gradient.to(deltas.dtype.element_ty).to(tl.float32)
        if has_wide:
            gradient = _plus_product(
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


def constants(norms: Collection[GradientNorm], *, has_wide: bool) -> dict[str, int | bool]:
    """What the kernel is compiled for."""
    return {
        "has_wide": has_wide,
        "has_l1": "l1" in norms,
        "has_l2": "l2" in norms,
        "tile_height": _TILE,
        "tile_width": _TILE if len(norms) == 1 else _TILE_OF_TWO_SUMS,
        "tokens": _TOKENS_AT_ONCE,
        "wide_tokens": _FLOAT32_TOKENS_AT_ONCE,
        "group": _TILES_HIGH,
    }


def accumulate(sums: Mapping[GradientNorm, Tensor], narrow: Part, wide: Part | None = None) -> None:
    """As `accumulate.accumulate`, for sums in float32, of a part in bfloat16 or float16 and, beside it, one
    in float32.
    """
    rows = deltas, inputs, _ = _rows(narrow)
    height, width = deltas.shape[1], inputs.shape[1]
    fixed = constants(sums.keys(), has_wide=wide is not None)
    tiles = triton.cdiv(height, fixed["tile_height"]) * triton.cdiv(width, fixed["tile_width"])
    nothing = deltas  # a pointer that is not followed
    _kernel[(tiles,)](
        *rows,
        *(_rows(wide) if wide else rows),
        sums.get("l1", nothing),
        sums.get("l2", nothing),
        len(narrow.deltas),
        height,
        width,
        **fixed,
        **OPTIONS,
    )


def _rows(part: Part) -> tuple[Tensor, Tensor, Tensor]:
    """δ and x as (tokens, features) of all windows, and at which of these rows each window ends."""
    ends = _ends(tuple(map(len, part.deltas)), part.deltas[0].device)
    return _one_behind_the_other(part.deltas), _one_behind_the_other(part.inputs), ends


def _one_behind_the_other(windows: Sequence[Tensor]) -> Tensor:
    """Without a copy, if they lie so."""
    first, features = windows[0], windows[0].shape[1]
    expected = running_total((window.numel() for window in windows), initial=first.storage_offset())
    if all(
        window.is_contiguous() and window.storage_offset() == offset
        for window, offset in zip(windows, expected, strict=False)
    ):
        return first.as_strided((sum(map(len, windows)), features), (features, 1))
    return torch.cat(tuple(windows))


@lru_cache(maxsize=64)
def _ends(sizes: tuple[int, ...], device: torch.device) -> Tensor:
    """Kept, because what is copied to a GPU is waited for."""
    return torch.tensor([0, *running_total(sizes)], dtype=torch.int64, device=device)
