"""SparseGPT (Frantar and Alistarh, 2023, arXiv 2301.00774): later columns compensate for each error.

H = 2·mean over windows of XᵀX; an input that is always zero gets H_jj = 1, and its weights are pruned;
damping·mean(diag H) is added to the diagonal; U is upper triangular with UᵀU = H⁻¹. A weight's score is
W_ij²/U_jj², the error that remains after its removal once the columns to its right compensate for it. The
error of column j, e = (w - pruned w)/U_jj, is subtracted from the columns to its right as e·U_j,j+1:.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from pruning.calibration.linalg import damped, with_rising_damping
from pruning.masks.patterns import LayerTarget, lowest_of_matrix, up_to_threshold
from pruning.methods.base import LayerStats, Method, PrunedMatrix
from pruning.methods.column_walk import WalkVariant, uses_kernel, walk
from pruning.recipe import group_of
from pruning.recipe.methods import SparseGpt

COLUMNS = 128
"""The columns that share one threshold, in the paper and by default in its code."""


def inverse_factor(moments: Tensor, *, damping: float) -> Tensor:
    """Return U, upper triangular with UᵀU = H⁻¹, from `moments` (inputs, inputs), the windows' mean of XᵀX.

    U is the inverse of R, upper triangular with RRᵀ = H. With the order of inputs reversed, R is the lower
    Cholesky factor. Raises torch.linalg.LinAlgError if H is not positive definite.
    """
    hessian = 2 * moments
    diagonal = hessian.diagonal()
    diagonal.masked_fill_(diagonal == 0, 1)
    with damped(hessian, damping):
        backward = hessian.flip(0, 1)
    del hessian, diagonal  # each is as large as the moments: at most two are held in addition to them
    factor = torch.linalg.cholesky(backward)
    del backward
    inverse = torch.eye(len(moments), dtype=moments.dtype, device=moments.device)
    torch.linalg.solve_triangular(factor, inverse, upper=False, left=False, out=inverse)
    del factor
    return inverse.flip(0, 1)


def sparsegpt(weight: Tensor, factor: Tensor, target: LayerTarget, *, columns: int) -> tuple[Tensor, Tensor]:
    """Return the mask and the new weights, both (outputs, inputs).

    `weight` is overwritten and returned. `factor` comes from `inverse_factor`. The weights of inputs that are
    always zero must be zero already.
    The weights of `columns` columns over all rows are compared with each other, once the columns to their
    left are done; for an N:M pattern, the weights of each group of a row.
    """
    mask = torch.zeros_like(weight, dtype=torch.bool)
    variant = WalkVariant(columns, group_of(target.pattern))
    for start, zeros in _column_blocks(weight, target, columns):
        block = slice(start, min(start + columns, weight.shape[1]))
        within = factor[block, block]
        if variant.group is None:
            mask[:, block] = _chosen(weight[:, block], within, target, zeros)
        errors = walk(weight[:, block], mask[:, block], within, variant)
        weight[:, block.stop :] -= errors @ factor[block, block.stop :]
    return mask, weight


def _chosen(weight: Tensor, factor: Tensor, target: LayerTarget, zeros: int | None) -> Tensor:
    """Return the mask of a block's lowest scores, all of which are compared with each other."""
    scores = weight.square() / factor.diagonal().square()
    return up_to_threshold(scores, target.sparsity) if zeros is None else lowest_of_matrix(scores, zeros)


def _column_blocks(weight: Tensor, target: LayerTarget, columns: int) -> list[tuple[int, int | None]]:
    """Return each block's first column and, if the target is a number of zeros, the block's part of it."""
    inputs = weight.shape[1]
    starts = range(0, inputs, columns)
    if target.zeros is None:
        return [(start, None) for start in starts]
    until = [target.zeros * min(start + columns, inputs) // inputs for start in starts]
    return [(start, end - begin) for start, begin, end in zip(starts, [0, *until], until, strict=False)]


class SparseGptMethod(Method[SparseGpt]):
    """Compares the weights of each block of columns."""

    def prune(self, layer: LayerStats, target: LayerTarget) -> PrunedMatrix:
        moments = layer.second_moments
        factor, warnings = with_rising_damping(lambda damping: inverse_factor(moments, damping=damping))
        weight = layer.weight.masked_fill(moments.diagonal() == 0, 0)
        mask, weight = sparsegpt(weight, factor, target, columns=_columns(target.pattern))
        return PrunedMatrix(mask, weight, warnings)

    def numerics_key(self, device: torch.device, pattern: str) -> Mapping[str, str]:
        """Whether the kernel walks through the columns."""
        variant = WalkVariant(_columns(pattern), group_of(pattern))
        return {"columns are walked by": "kernel" if uses_kernel(device, variant) else "torch"}


def _columns(pattern: str) -> int:
    """Return the columns per block, a multiple of M for an N:M pattern."""
    group = group_of(pattern)
    size = group[1] if group else 1
    return max(1, COLUMNS // size) * size
