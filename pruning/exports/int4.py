"""INT4 weights: groups of a row share a scale, and a weight is a whole number from -8 to 7 times its scale.

A scale is the one, of 25 between 0.45 and 1.1 times the smallest that clips nothing, with the lowest error
Σ importance·(w - q)² over its group. With the inputs' second moments H, the columns are rounded one after the
other and those behind make up for each error (GPTQ, arXiv 2210.17323: SparseGPT's walk without a mask).
A weight that is exactly zero stays zero.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from pruning.calibration.linalg import with_rising_damping
from pruning.methods.column_walk import compensate
from pruning.methods.sparsegpt import inverse_factor

LOWEST, HIGHEST = -8, 7
_HALF_RANGE = (HIGHEST - LOWEST) / 2
_SHARES = torch.linspace(0.45, 1.1, 25).tolist()
_COLUMNS = 128  # whose errors are spread over all columns behind at once


@dataclass(frozen=True)
class Int4Matrix:
    """A quantised weight matrix."""

    codes: Tensor  # int8 (outputs, inputs)
    scales: Tensor  # (outputs, groups), in the dtype that is stored

    def dequantized(self) -> Tensor:
        """Return the weights (outputs, inputs) as readers do: the product, rounded to the scales' dtype."""
        groups = self.codes.unflatten(1, (self.scales.shape[1], -1))
        return (groups.to(self.scales.dtype) * self.scales[:, :, None]).flatten(1)


def int4_scales(weight: Tensor, importance: Tensor, *, group_size: int, dtype: torch.dtype) -> Tensor:
    """Return a scale for each group of a row: (outputs, groups).

    Parameters
    ----------
    weight
        (outputs, inputs).
    importance
        Of each input, (inputs,): weighs the squared errors. Where a group has none, all weigh the same.
    group_size
        Must divide the inputs.
    dtype
        That the scales are stored in: they are compared as rounded to it.
    """
    groups = weight.unflatten(1, (-1, group_size))
    weights = importance.unflatten(0, (-1, group_size))
    weights = weights.where(weights.any(dim=1, keepdim=True), 1.0)
    largest = groups.abs().amax(dim=2) / _HALF_RANGE
    best = torch.full_like(largest, torch.inf)
    scales = torch.zeros_like(largest, dtype=dtype)
    for share in _SHARES:
        candidate = as_scales(largest * share, dtype)
        matrix = Int4Matrix(_rounded(groups, candidate[:, :, None]).flatten(1), candidate)
        errors = matrix.dequantized().to(weight.dtype).sub_(weight).square_().unflatten(1, (-1, group_size))
        errors = errors.mul_(weights).sum(dim=2)
        better = errors < best
        best = torch.where(better, errors, best)
        scales = torch.where(better, candidate, scales)
    return scales


def as_scales(scales: Tensor, dtype: torch.dtype) -> Tensor:
    """Round scales to `dtype`, none to zero: readers divide by them."""
    return scales.to(dtype).clamp_(min=torch.finfo(dtype).tiny)


def to_nearest(weight: Tensor, scales: Tensor) -> Int4Matrix:
    """Round each weight (outputs, inputs) by itself."""
    groups = weight.unflatten(1, (scales.shape[1], -1))
    return Int4Matrix(_rounded(groups, scales[:, :, None]).flatten(1), scales)


def with_feedback(weight: Tensor, scales: Tensor, moments: Tensor) -> tuple[Int4Matrix, tuple[str, ...]]:
    """Round weights column by column, the inputs of most energy first; return also warnings.

    `moments`: the mean over windows of XᵀX, (inputs, inputs). Raises NumericalFailure where they cannot be
    factored.
    """
    order = moments.diagonal().argsort(descending=True, stable=True)
    factor, warnings = with_rising_damping(
        lambda damping: inverse_factor(moments[order][:, order], damping=damping)
    )
    group_size = weight.shape[1] // scales.shape[1]
    columns = weight.T[order].contiguous()
    zeros, own_scales = columns == 0, scales.T[order // group_size]
    codes = torch.zeros_like(columns, dtype=torch.int8)
    for start in range(0, len(columns), _COLUMNS):
        block = slice(start, min(start + _COLUMNS, len(columns)))

        def rounded(column: int, first: int = start) -> Tensor:
            place = first + column
            codes[place] = _rounded(columns[place], own_scales[place]).masked_fill_(zeros[place], 0)
            return (codes[place].to(scales.dtype) * own_scales[place]).to(columns.dtype)

        errors = compensate(columns[block], factor[block, block], rounded)
        columns[block.stop :] -= factor[block, block.stop :].T @ errors
    return Int4Matrix(codes[order.argsort()].T.contiguous(), scales), warnings


def _rounded(weight: Tensor, scales: Tensor) -> Tensor:
    return (weight / scales.to(weight.dtype)).round_().clamp_(LOWEST, HIGHEST).to(torch.int8)
