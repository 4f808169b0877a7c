"""Scores of the units of a layer, and which of them to remove: tensors only, without a model.

The layer is the one that reads the units, such as down_proj: W (outputs, inputs), with `width` inputs for
each unit, one unit after the other. A score is the lower, the less the unit is missed.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from pruning.calibration.linalg import LinAlgError

Scores = Mapping[str, Tensor]
"""By name: (units,), not negative."""


def gate_scores(gates: Tensor, width: int) -> Tensor:
    """Return Σ_n g_n² of each unit, (units,): g_n the gradient of window n's loss for a factor on the unit.

    `gates`: (windows, inputs), the same for each input; those of a unit add up.
    """
    return gates.reshape(len(gates), -1, width).sum(dim=2).square().sum(dim=0)


def second_order_scores(weight: Tensor, inverse: Tensor, width: int) -> Tensor:
    """Return by how much the squared error of the outputs rises without each unit, (units,).

    It is tr(W_S·([H⁻¹]_SS)⁻¹·W_Sᵀ) for the inputs S of a unit, which is ‖W_:,j‖² ÷ [H⁻¹]_jj for one: the
    other weights make up for the unit as far as they can (Hassibi and Stork, 1993).

    `weight`: (outputs, inputs). `inverse`: H⁻¹ (inputs, inputs).
    """
    units = inverse.shape[0] // width
    # (units, width, width): the diagonal blocks.
    blocks = inverse.view(units, width, units, width).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    columns = weight.T.reshape(units, width, -1)  # (units, width, outputs)
    solved = torch.cholesky_solve(columns, torch.linalg.cholesky(blocks))
    return (columns * solved).sum(dim=(1, 2))


def combined(scores: Scores, left: Tensor) -> Tensor:
    """Return the sum of the scores of the units that are `left`, each divided by its mean over them.

    `left`: int64 (any,). A score that is zero everywhere says nothing, and counts as zero.
    """
    total = torch.zeros(len(left), dtype=torch.float64)
    for score in scores.values():
        own = score[left.to(score.device)].double().cpu()
        mean = own.mean()
        if mean > 0:
            total += own / mean
    return total


def kept_by_rounds(
    weight: Tensor, inverse: Tensor, others: Scores, *, width: int, keep: int, rounds: int
) -> Tensor:
    """Remove units in rounds, the lowest sum of second-order and other scores first.

    After each round W and H⁻¹ are updated, as the other weights compensate for what is removed:
    W ← W - W_S·([H⁻¹]_SS)⁻¹·[H⁻¹]_S,: and H⁻¹ ← H⁻¹ - H⁻¹_:,S·([H⁻¹]_SS)⁻¹·H⁻¹_S,:

    Parameters
    ----------
    weight
        (outputs, inputs).
    inverse
        H⁻¹ (inputs, inputs).
    others
        Further scores, which do not change from round to round.
    width
        Inputs of each unit.
    keep
        How many units are left.
    rounds
        In how many rounds the others are removed: as many in each, or one fewer.

    Returns
    -------
    Tensor
        The units that are left: int64 (keep,), in ascending order.

    Raises
    ------
    LinAlgError
        Where rounding has left no scores: H⁻¹ is not positive definite any more, or not finite.
    """
    weight, inverse = weight.clone(), inverse.clone()
    left = torch.arange(weight.shape[1] // width)
    total = len(left) - keep
    for number in range(min(rounds, total)):
        quota = total * (number + 1) // min(rounds, total) - total * number // min(rounds, total)
        every = torch.zeros(weight.shape[1] // width, dtype=torch.float64)
        every[left] = _second_order_of(weight, inverse, left, width)
        order = combined({**others, "second_order": every}, left).argsort(stable=True)
        removed, left = left[order[:quota]], left[order[quota:]].sort().values
        _remove(weight, inverse, _inputs_of(removed, width))
    return left


def _second_order_of(weight: Tensor, inverse: Tensor, left: Tensor, width: int) -> Tensor:
    inputs = _inputs_of(left, width).to(weight.device)
    diagonal = inverse.diagonal()[inputs]
    if not (diagonal > 0).all():
        raise LinAlgError("the inverse of the second moments is not positive definite")
    if width == 1:  # without a copy of H⁻¹
        scores = weight.square().sum(dim=0)[inputs] / diagonal
    else:
        scores = second_order_scores(weight[:, inputs], inverse[inputs][:, inputs], width)
    if not torch.isfinite(scores).all():
        raise LinAlgError("second-order scores are not finite")
    return scores.double().cpu()


def _remove(weight: Tensor, inverse: Tensor, removed: Tensor) -> None:
    """Update W and H⁻¹, in place, for removed inputs; their rows and columns become zero."""
    removed = removed.to(weight.device)
    factor = torch.linalg.cholesky(inverse[removed][:, removed])
    solved = torch.cholesky_solve(inverse[removed], factor)  # ([H⁻¹]_SS)⁻¹·[H⁻¹]_S,:
    weight.addmm_(weight[:, removed], solved, alpha=-1)
    inverse.addmm_(inverse[:, removed], solved, alpha=-1)
    weight[:, removed] = 0
    inverse[removed] = 0
    inverse[:, removed] = 0


def _inputs_of(units: Tensor, width: int) -> Tensor:
    """Return the inputs of units, one unit after the other: int64."""
    return (units[:, None] * width + torch.arange(width)).flatten()


def inverse_of(hessian: Tensor) -> Tensor:
    """Return H⁻¹. Raises LinAlgError if H is not positive definite."""
    return torch.cholesky_inverse(torch.linalg.cholesky(hessian))


def repaired(weight: Tensor, hessian: Tensor, kept: Tensor) -> Tensor:
    """Return the weights of the inputs that are left which come nearest to the outputs of all.

    W' = W·H'_:,K·(H'_KK)⁻¹

    Parameters
    ----------
    weight
        W (outputs, inputs).
    hessian
        H' (inputs, inputs), XᵀX with something added to its diagonal.
    kept
        K, the inputs that are left: int64.

    Returns
    -------
    Tensor
        W', (outputs, kept).
    """
    right = weight @ hessian[:, kept]
    factor = torch.linalg.cholesky(hessian[kept][:, kept])
    return torch.cholesky_solve(right.T, factor).T
