"""Refit: the kept weights of a layer solved again, to give the outputs that the dense weights give.

Per output row, min (w' - w)·H·(w' - w)ᵀ over w' that is zero where the mask says, H the damped second moments
of the layer's inputs: least squares on the row's support. By conjugate gradients, preconditioned by diag H,
on all rows at once: one product with H per step, in place of one factorisation per row.
"""

from dataclasses import replace

import torch
from torch import Tensor

from pruning.linalg import damped
from pruning.methods import LayerEvidence, PrunedMatrix
from pruning.recipe import RefitOptions


def refitted(layer: LayerEvidence, pruned: PrunedMatrix, options: RefitOptions) -> PrunedMatrix:
    """The same mask, with the kept weights solved again, from where the method left them."""
    dense = layer.weight
    weight = refit(
        dense,
        pruned.mask,
        start=dense if pruned.weight is None else pruned.weight,
        moments=layer.second_moments,
        damping=options.damping,
        iterations=options.iterations,
    )
    return replace(pruned, weight=weight)


def refit(
    weight: Tensor, mask: Tensor, start: Tensor, moments: Tensor, *, damping: float, iterations: int
) -> Tensor:
    """The new weights (outputs, inputs), zero where `mask` is True.

    `weight`: the dense ones. `start`: where the search begins, such as the masked weights. `moments` (inputs,
    inputs), the mean over windows of XᵀX; `damping` pulls towards the dense weights.
    """
    hessian = damped(moments, damping)
    diagonal = hessian.diagonal()
    solution = start.masked_fill(mask, 0)
    if not diagonal.any():  # nothing ever reaches this layer: every solution is as good
        return solution
    residual = ((weight - solution) @ hessian).masked_fill_(mask, 0)
    preconditioned = residual / diagonal
    direction = preconditioned.clone()
    norm = _row_products(residual, preconditioned)
    for _ in range(iterations):
        slope = (direction @ hessian).masked_fill_(mask, 0)
        step = _ratio(norm, _row_products(direction, slope))
        solution.addcmul_(step, direction)
        residual.addcmul_(step, slope, value=-1)
        preconditioned = residual / diagonal
        previous, norm = norm, _row_products(residual, preconditioned)
        direction.mul_(_ratio(norm, previous)).add_(preconditioned)
    return solution


def _row_products(one: Tensor, other: Tensor) -> Tensor:
    """(outputs, 1)"""
    return (one * other).sum(dim=1, keepdim=True)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Zero for a row that is solved already, where both are."""
    return torch.where(denominator > 0, numerator / denominator, 0)
