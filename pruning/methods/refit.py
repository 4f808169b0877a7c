"""Refit: solve for the kept weights of a layer again, to reproduce the outputs of its dense weights.

For each output row, minimise (w' - w)·H·(w' - w)ᵀ over w' that is zero where the mask is True, with H the
damped second moments of the layer's inputs: least squares on the row's support. Conjugate gradients,
preconditioned by diag H, solve all rows at once: one product with H per step instead of one factorisation per
row.

The target outputs are those of the dense weights w on the pruned model's inputs X, or between these and the
outputs Y of the dense model. For the latter, w is replaced by the unpruned least-squares weights for them,
w + toward·((Y - X·wᵀ)ᵀX)·H⁻¹.

A ridge adds to each number on the diagonal of H a share of itself: options.ridge · inputs ÷ tokens. The
target's regression has a predictor for each input, and a row's for each kept input: the fewer tokens there
are for each, the more it overfits the calibration text.
"""

from dataclasses import replace

import torch
from torch import Tensor

from pruning.calibration.linalg import DAMPING, damped, with_rising_damping
from pruning.methods import LayerStats, PrunedMatrix
from pruning.recipe import RefitOptions


def with_target(layer: LayerStats, options: RefitOptions) -> tuple[LayerStats, float, tuple[str, ...]]:
    """Return the layer with its refit target, the damping to refit it with, and warnings about that.

    The target stays the dense weight where no activation error was measured, and where no token reaches the
    layer. Where H had to be damped more to be factored, so it is for the refit: conjugate gradients need it
    to be positive definite as well, and do not notice. Raises NumericalFailure, without the layer's name.
    """
    error, moments = (layer.activation_error, layer.second_moments) if options.toward else (None, None)
    if error is None or moments is None or not moments.any():
        return layer, DAMPING, ()
    ridge = options.ridge * layer.inputs_per_token

    def attempt(damping: float) -> tuple[Tensor, float]:
        with damped(moments, damping, ridge) as hessian:
            return _solved(hessian, error), damping

    (shift, used), warnings = with_rising_damping(attempt)
    return replace(layer, refit_target=layer.weight + options.toward * shift), used, warnings


def _solved(hessian: Tensor, right: Tensor) -> Tensor:
    """Return right·H⁻¹: (outputs, inputs). Raises LinAlgError if H is not positive definite."""
    return torch.cholesky_solve(right.T, torch.linalg.cholesky(hessian)).T


def refitted(
    layer: LayerStats, pruned: PrunedMatrix, options: RefitOptions, *, damping: float = DAMPING
) -> PrunedMatrix:
    """Return the same mask with refitted weights, which overwrite the method's, from which they start."""
    weight = refit(
        layer.target_weight,
        pruned.mask,
        start=layer.weight.clone() if pruned.weight is None else pruned.weight,
        moments=layer.second_moments,
        damping=damping,
        ridge=options.ridge * layer.inputs_per_token,
        iterations=options.iterations,
    )
    return replace(pruned, weight=weight)


def refit(
    weight: Tensor,
    mask: Tensor,
    start: Tensor,
    moments: Tensor,
    *,
    damping: float,
    ridge: float = 0.0,
    iterations: int,
) -> Tensor:
    """Return the new weights (outputs, inputs), zero where `mask` is True.

    The outputs of `weight` are reproduced. The search begins at `start`, such as the masked weights, which is
    overwritten and returned. `moments` (inputs, inputs) is the mean of XᵀX over windows; `damping` and
    `ridge` pull towards `weight`, see `damped`.
    """
    solution = start.masked_fill_(mask, 0)
    with damped(moments, damping, ridge) as hessian:
        if hessian.diagonal().any():  # else no input reaches this layer: every solution is as good
            _conjugate_gradients(weight, mask, solution, hessian, iterations)
    return solution


def _conjugate_gradients(
    weight: Tensor, mask: Tensor, solution: Tensor, hessian: Tensor, iterations: int
) -> None:
    """Improve `solution` in place, with four more tensors of its shape."""
    diagonal = hessian.diagonal()
    residual = ((weight - solution) @ hessian).masked_fill_(mask, 0)
    preconditioned = residual / diagonal
    direction = preconditioned.clone()
    product = torch.empty_like(direction)
    norm = _row_products(residual, preconditioned, out=product)
    # The residual of a converged row is rounding error: another step would divide one such error by another.
    solved = norm * torch.finfo(norm.dtype).eps ** 2
    for _ in range(iterations):
        slope = torch.mm(direction, hessian, out=preconditioned).masked_fill_(mask, 0)
        step = _ratio(norm, _row_products(direction, slope, out=product)).masked_fill_(norm <= solved, 0)
        solution.addcmul_(step, direction)
        residual.addcmul_(step, slope, value=-1)
        torch.div(residual, diagonal, out=preconditioned)  # in the place of the slope
        previous, norm = norm, _row_products(residual, preconditioned, out=product)
        direction.mul_(_ratio(norm, previous)).add_(preconditioned)


def _row_products(one: Tensor, other: Tensor, *, out: Tensor) -> Tensor:
    """Return (outputs, 1), by way of `out`, shaped like both."""
    return torch.mul(one, other, out=out).sum(dim=1, keepdim=True)


def _ratio(numerator: Tensor, denominator: Tensor) -> Tensor:
    """Return numerator / denominator, or 0 for a converged row, where both are 0."""
    return torch.where(denominator > 0, numerator / denominator, 0)
