"""The Triton kernel of `column_walk`: some rows stay in registers while all columns of a block pass.

Rows do not depend on each other, so a program takes a few of them. Import it only where Triton is installed.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

# Fits into the registers of four warps together with scores and errors of the same shape.
_WEIGHTS_PER_PROGRAM = 2048

# A fused multiplication and addition would round once where torch's operations round twice.
COMPILE_OPTIONS = {"num_warps": 4, "enable_fp_fusion": False}


# Compiled once for all shapes and places, so that what was tried is what runs.
_POINTERS = ("weight", "mask", "factor", "errors")
_NUMBERS = ("rows", "columns", "weight_stride", "mask_stride", "factor_stride", "errors_stride")


@triton.jit(do_not_specialize=_NUMBERS, do_not_specialize_on_alignment=_POINTERS)
def _kernel(
    weight,
    mask,
    factor,
    errors,
    rows,
    columns,
    weight_stride,
    mask_stride,
    factor_stride,
    errors_stride,
    pruned_per_group: tl.constexpr,
    group: tl.constexpr,
    tile_rows: tl.constexpr,
    tile_columns: tl.constexpr,
):
    """Prune `tile_rows` rows of a block. `group` is M of an N:M pattern, 0 where `mask` is given."""
    row = tl.program_id(0) * tile_rows + tl.arange(0, tile_rows)
    column = tl.arange(0, tile_columns)
    inside = (row < rows)[:, None] & (column < columns)[None, :]
    row = row.to(tl.int64)[:, None]
    across = column[None, :]
    values = tl.load(weight + row * weight_stride + across, mask=inside, other=0.0)
    pruned = tl.load(mask + row * mask_stride + across, mask=inside, other=0) != 0
    scales = tl.load(factor + column * (factor_stride + 1), mask=column < columns, other=1.0)
    squared_scales = (scales * scales)[None, :]
    error = tl.zeros((tile_rows, tile_columns), tl.float32)
    for step in range(columns):
        if group > 0:
            if step % group == 0:
                scores = tl.div_rn(values * values, tl.broadcast_to(squared_scales, values.shape))
                # How many of the group come before each weight: a lower score, or an equal one to the left.
                before = tl.zeros((tile_rows, tile_columns), tl.int32)
                for member in range(step, step + group):
                    score = tl.sum(tl.where(across == member, scores, 0.0), axis=1)[:, None]
                    before += ((score < scores) | ((score == scores) & (member < across))).to(tl.int32)
                among = (across >= step) & (across < step + group)
                pruned = (among & (before < pruned_per_group)) | (pruned & (across < step))
        now = pruned & (across == step)
        removed = tl.sum(tl.where(now, values, 0.0), axis=1)
        scale = tl.load(factor + step * (factor_stride + 1))
        column_error = tl.div_rn(removed, tl.zeros_like(removed) + scale)[:, None]
        right = (column > step) & (column < columns)
        effect = tl.load(factor + step * factor_stride + column, mask=right, other=0.0)[None, :]
        values = tl.where(now, 0.0, tl.where(across > step, values - column_error * effect, values))
        error = tl.where(across == step, column_error, error)
    tl.store(weight + row * weight_stride + across, values, mask=inside)
    tl.store(mask + row * mask_stride + across, pruned, mask=inside)
    tl.store(errors + row * errors_stride + across, error, mask=inside)


def compile_constants(columns: int, group: tuple[int, int] | None) -> dict[str, int]:
    """Return the kernel's `tl.constexpr` arguments for blocks of at most this many columns."""
    kept, size = group or (0, 0)
    width = triton.next_power_of_2(columns)
    return {
        "pruned_per_group": size - kept,
        "group": size,
        "tile_rows": max(1, _WEIGHTS_PER_PROGRAM // width),
        "tile_columns": width,
    }


def walk(weight: Tensor, mask: Tensor, factor: Tensor, columns: int, group: tuple[int, int] | None) -> Tensor:
    """Do what `pruning.methods.column_walk.walk` does, in float32. `columns`: of the widest block.

    Raises ValueError for a tensor whose rows are not contiguous: the kernel would read other numbers.
    """
    if not weight.stride(1) == mask.stride(1) == factor.stride(1) == 1:
        raise ValueError("the kernel needs contiguous rows of the weight, the mask and the factor")
    errors = torch.empty(weight.shape, device=weight.device)
    constants = compile_constants(columns, group)
    _kernel[(triton.cdiv(len(weight), constants["tile_rows"]),)](
        weight,
        mask.view(torch.uint8),
        factor,
        errors,
        len(weight),
        weight.shape[1],
        weight.stride(0),
        mask.stride(0),
        factor.stride(0),
        errors.stride(0),
        **constants,
        **COMPILE_OPTIONS,
    )
    return errors
