"""INT4 weights: groups of a row share a scale, and a weight is a whole number from -8 to 7 times its scale.

Columns are rounded one after the other, the inputs of most energy first, and those behind make up for each
error: SparseGPT's walk with rounding in place of a mask, which is GPTQ (arXiv 2210.17323). The scales are
chosen before it. A group's is the one of 25, from 1.1 to 0.45 times its largest weight ÷ 7.5, with the lowest
Σ importance·(w - q)². A weight that is exactly zero stays zero.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from pruning.calibration.linalg import damped, with_rising_damping
from pruning.errors import NumericalFailure
from pruning.methods.column_walk import compensate
from pruning.methods.sparsegpt import inverse_factor

_LOWEST, _HIGHEST = -8, 7
_HALF_RANGE = (_HIGHEST - _LOWEST) / 2
_SHARES = torch.linspace(1.1, 0.45, 25).tolist()
_COLUMNS = 128  # whose errors are spread over all columns behind at once


@dataclass(frozen=True)
class Int4Matrix:
    """A quantised weight matrix."""

    codes: Tensor  # int8 (outputs, inputs)
    scales: Tensor  # (outputs, groups), in the dtype that is stored

    def dequantized(self) -> Tensor:
        """Return the weights (outputs, inputs) as readers do: the product, rounded to the scales' dtype."""
        groups = self.codes.view(*self.scales.shape, -1)
        return (groups.to(self.scales.dtype) * self.scales[:, :, None]).flatten(1)


def int4_scales(weight: Tensor, importance: Tensor, *, group_size: int, dtype: torch.dtype) -> Tensor:
    """Return a scale for each group of a row: (outputs, groups).

    Parameters
    ----------
    weight
        (outputs, inputs).
    importance
        Of each input, (inputs,): weighs the squared errors.
    group_size
        Must divide the inputs.
    dtype
        That the scales are stored in: they are compared as rounded to it.
    """
    if not (torch.isfinite(weight).all() and torch.isfinite(importance).all()):
        raise NumericalFailure("its weights, or the importance of its inputs, are not finite")
    groups = weight.reshape(len(weight), -1, group_size)
    weights = importance.reshape(-1, group_size)
    largest = groups.abs().amax(dim=2) / _HALF_RANGE
    best = torch.full_like(largest, torch.inf)
    scales = torch.zeros_like(largest, dtype=dtype)
    for share in _SHARES:
        candidate = as_scales(largest * share, dtype)
        matrix = Int4Matrix(_rounded(groups, candidate[:, :, None]).flatten(1), candidate)
        errors = matrix.dequantized().to(weight.dtype).sub_(weight).square_().view_as(groups)
        errors = errors.mul_(weights).sum(dim=2)
        better = errors < best
        best = torch.where(better, errors, best)
        scales = torch.where(better, candidate, scales)
    return scales


def as_scales(scales: Tensor, dtype: torch.dtype) -> Tensor:
    """Round scales to `dtype`, none to zero: readers divide by them, and small weights would become zeros."""
    limits = torch.finfo(dtype)
    rounded = scales.to(dtype, copy=True).clamp_(min=limits.tiny * limits.eps, max=limits.max)
    return rounded.masked_fill_(scales == 0, limits.tiny)


@dataclass(frozen=True)
class InputFactor:
    """What the second moments of a layer's inputs say of errors in its weights."""

    order: Tensor  # of the inputs, int64 (inputs,): in which their columns are rounded
    factor: Tensor  # see `inverse_factor`, of the inputs in that order
    importance: Tensor
    """Of each input, (inputs,): what an error costs that the columns behind make up for, 1/U_jj². Zero for an
    input that is always zero."""
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, moments: Tensor, tokens: int) -> Self:
        """Factor the mean over windows of XᵀX, (inputs, inputs), X of so many `tokens` in all.

        The diagonal grows by the share inputs ÷ tokens: the fewer tokens there are, the more of the
        correlations between inputs is chance, and what makes up for errors by them fails on other text.

        Raises NumericalFailure where they cannot be factored.
        """
        order = moments.diagonal().argsort(descending=True, stable=True)
        dead = moments.diagonal() == 0
        with damped(moments, 0, ridge=len(moments) / max(1, tokens)):
            if not dead.all():  # as large as the others on average, so that the damping of those is their own
                moments.diagonal()[dead] = moments.diagonal()[~dead].mean()
            factor, warnings = with_rising_damping(
                lambda damping: inverse_factor(moments[order][:, order], damping=damping)
            )
        importance = torch.empty_like(factor[0])
        importance[order] = factor.diagonal().square().reciprocal()
        return cls(order, factor, importance.masked_fill_(dead, 0), warnings)


def with_feedback(weight: Tensor, scales: Tensor, inputs: InputFactor) -> Int4Matrix:
    """Round weights (outputs, inputs) column by column, each time with what makes up for earlier errors."""
    order, factor = inputs.order, inputs.factor
    columns = weight.T[order].contiguous()
    zeros = columns == 0
    own_scales = scales.T[order // (weight.shape[1] // scales.shape[1])]
    codes = torch.zeros_like(columns, dtype=torch.int8)
    for start in range(0, len(columns), _COLUMNS):
        block = slice(start, min(start + _COLUMNS, len(columns)))

        def rounded(column: int, first: int = start) -> Tensor:
            place = first + column
            codes[place] = _rounded(columns[place], own_scales[place]).masked_fill_(zeros[place], 0)
            return (codes[place].to(scales.dtype) * own_scales[place]).to(columns.dtype)

        errors = compensate(columns[block], factor[block, block], rounded)
        columns[block.stop :] -= factor[block, block.stop :].T @ errors
    return Int4Matrix(codes[order.argsort()].T.contiguous(), scales)


def _rounded(weight: Tensor, scales: Tensor) -> Tensor:
    return (weight / scales.to(weight.dtype)).round_().clamp_(_LOWEST, _HIGHEST).to(torch.int8)
