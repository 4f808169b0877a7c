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

from pruning.calibration.gradient_factors import GradientFactors, is_aligned
from pruning.models.upcast import bfloat16_parts
from pruning.recipe import GradientNorm

# By the number of norms and whether features are aligned: the largest tile whose registers suffice on sm_90.
# Without alignment every load has an address of its own.
_TILES = {(1, True): (128, 128), (2, True): (128, 64), (1, False): (64, 64), (2, False): (64, 64)}
# Before sm_90 the transposed tile needs fewer.
_TILES_BEFORE_SM_90 = {(2, True): (64, 128)}
_TILE_ROWS_PER_GROUP = 8
_TOKENS_PER_STEP = 64

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
        gradient = tl.dot(tl.trans(delta), x, gradient)
    return gradient


@triton.jit(do_not_specialize=["windows", "height", "width"])
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
    aligned: tl.constexpr,
    group: tl.constexpr,
):
    """Compute one tile of the sums over all windows. `ends`: int64 (windows + 1,), starting with 0."""
    if aligned:  # allows loads of 16 bytes
        height = height // 16 * 16
        width = width // 16 * 16
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
                tokens,
            )
        if has_l1:
            sum_l1 += tl.abs(gradient)
        if has_l2:
            sum_l2 += gradient * gradient
    if has_l1:
        tl.store(l1 + tile, sum_l1, mask=inside)
    if has_l2:
        tl.store(l2 + tile, sum_l2, mask=inside)


def compile_constants(
    norms: Collection[GradientNorm], *, has_wide: bool, aligned: bool, capability: int
) -> dict[str, int | bool]:
    """Return the kernel's `tl.constexpr` arguments.

    `aligned`: see `is_aligned`. `capability`: of the device, 90 for sm_90.
    """
    tiles = _TILES if capability >= 90 else _TILES | _TILES_BEFORE_SM_90
    height, width = tiles[len(norms), aligned]
    return {
        "has_wide": has_wide,
        "has_l1": "l1" in norms,
        "has_l2": "l2" in norms,
        "tile_height": height,
        "tile_width": width,
        "tokens": _TOKENS_PER_STEP,
        "aligned": aligned,
        "group": _TILE_ROWS_PER_GROUP,
    }


def accumulate(
    sums: Mapping[GradientNorm, Tensor], narrow: GradientFactors, wide: GradientFactors | None = None
) -> None:
    """Add every window's gradient to `sums`, as `pruning.calibration.accumulate.accumulate` does.

    `sums` are float32, `narrow` is bfloat16 or float16, `wide` is float32.
    """
    flat_narrow = deltas, inputs, _ = _flattened(narrow)
    height, width = deltas.shape[1], inputs.shape[1]
    aligned = is_aligned(height, width)
    constants = compile_constants(
        sums.keys(), has_wide=wide is not None, aligned=aligned, capability=_capability(deltas.device)
    )
    tiles = triton.cdiv(height, constants["tile_height"]) * triton.cdiv(width, constants["tile_width"])
    unused = deltas  # never read by the kernel
    _kernel[(tiles,)](
        *flat_narrow,
        *(_in_bfloat16(*_flattened(wide)) if wide else flat_narrow),
        sums.get("l1", unused),
        sums.get("l2", unused),
        len(narrow.deltas),
        height,
        width,
        **constants,
        **COMPILE_OPTIONS,
    )


@lru_cache
def _capability(device: torch.device) -> int:
    """Return the device's compute capability, 90 for sm_90; that, too, for Triton's interpreter on a CPU."""
    if device.type == "cpu":
        return 90
    major, minor = torch.cuda.get_device_capability(device)
    return 10 * major + minor


def _flattened(factors: GradientFactors) -> tuple[Tensor, Tensor, Tensor]:
    """Return δ and x as (tokens of all windows, features), and the row at which each window ends."""
    ends = _window_ends(tuple(map(len, factors.deltas)), factors.deltas[0].device)
    return _concatenated(factors.deltas), _concatenated(factors.inputs), ends


def _in_bfloat16(deltas: Tensor, inputs: Tensor, ends: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return factors in bfloat16 with the same products δᵀx, up to 2^-32 of theirs, as the float32 ones.

    Each token becomes eight: all products of its three parts but that of the two smallest. So the usual eight
    tokens take one step of the kernel.
    """
    of_deltas, of_inputs = bfloat16_parts(deltas), bfloat16_parts(inputs)
    pairs = [(i, j) for i in range(3) for j in range(3) if i + j < 4]
    return (
        torch.stack([of_deltas[i] for i, _ in pairs], dim=1).flatten(0, 1),
        torch.stack([of_inputs[j] for _, j in pairs], dim=1).flatten(0, 1),
        ends * len(pairs),
    )


def _concatenated(windows: Sequence[Tensor]) -> Tensor:
    """Concatenate the windows; without a copy where they are adjacent views of one tensor.

    The result starts at a multiple of 16 bytes: Triton compiles another variant for one that does not.
    """
    first, features = windows[0], windows[0].shape[1]
    expected = running_total((window.numel() for window in windows), initial=first.storage_offset())
    if first.data_ptr() % 16 == 0 and all(
        window.is_contiguous() and window.storage_offset() == offset
        for window, offset in zip(windows, expected, strict=False)
    ):
        return first.as_strided((sum(map(len, windows)), features), (features, 1))
    return torch.cat(tuple(windows))


@lru_cache(maxsize=64)
def _window_ends(sizes: tuple[int, ...], device: torch.device) -> Tensor:
    """Cached, and copied from pinned memory: routed experts have new sizes each time, and must not wait."""
    ends = torch.tensor([0, *running_total(sizes)], dtype=torch.int64, pin_memory=device.type == "cuda")
    return ends.to(device, non_blocking=True)
