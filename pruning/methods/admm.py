"""ADMM support search, as in ALPS (Meng et al., 2024, arXiv 2406.07831).

Find which weights to keep, and their values, so that the layer's outputs change least: minimise
tr((W - D)·H·(W - D)ᵀ) over matrices D with the requested number of zeros. A dense copy X is pulled towards D
by a penalty ρ that rises as the support converges:

    X = (W·H - V + ρ·D)·(H + ρ·I)⁻¹
    D = the largest entries of X + V/ρ, 0 elsewhere
    V = V + ρ·(X - D)

The inputs are scaled so that diag H = 1: then the largest weights matter most. H may have a ridge, as for
`pruning.methods.refit`.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from pruning.calibration.linalg import damped, with_rising_damping
from pruning.masks.patterns import LayerTarget, lowest_of_each_group, lowest_of_matrix
from pruning.methods.base import LayerStats, Method, PrunedMatrix
from pruning.recipe import group_of
from pruning.recipe.methods import Admm

_PENALTY = 0.1  # at first
_MAX_ITERATIONS = 300
_STEPS_PER_CHECK = 3
# Pairs of a bound and a factor. The penalty rises by the factor of the first bound that the changed share of
# the support exceeds. With 1.25 times the factors of ALPS, the support converges in 21 steps instead of 35,
# and is as good.
_RISES = ((0.1, 1.625), (0.005, 1.5), (0.0, 1.375))


def admm_support(
    weight: Tensor, moments: Tensor, zeros_of: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the mask and the new weights, both (outputs, inputs).

    `moments` (inputs, inputs) is positive definite. `zeros_of` maps absolute values (outputs, inputs) to a
    bool mask of the zeros. The search ends when three steps leave the support unchanged, or after
    `_MAX_ITERATIONS`. Raises torch.linalg.LinAlgError if `moments` is not positive definite.

    In addition to masks, two tensors shaped like `moments` and five like `weight` are held at a time, both
    arguments included: those of a wide layer are the largest of a job.

    After a step, V/ρ is (X + V/ρ) - D, with X + V/ρ called `moved` here: 0 where a weight is kept, all of
    `moved` where it is pruned. So X = W + (D - V/ρ - W)·ρ(H + ρ·I)⁻¹: one product, with a matrix that changes
    only with ρ.
    """
    penalty, scale = _PENALTY, moments.diagonal().sqrt()
    target = weight * scale
    pull = _pull(moments, scale, penalty)

    mask = settled = zeros_of(target.abs())
    moved, lacking = target.clone(), torch.zeros_like(target)  # V = 0 and D = W at the start, and so X = W
    for step in range(1, _MAX_ITERATIONS + 1):
        if step > 1:
            difference = moved.masked_fill_(mask, 0).sub_(lacking).sub_(target)
            moved = torch.addmm(target, difference, pull).add_(lacking)
            del difference
            mask = zeros_of(moved.abs())
        lacking.copy_(moved).masked_fill_(~mask, 0)
        if step % _STEPS_PER_CHECK == 0:
            changed = int((mask != settled).sum()) / max(1, int((~mask).sum()))
            if changed == 0:
                break
            rise = next(rise for bound, rise in _RISES if changed > bound)
            penalty, settled = penalty * rise, mask
            del pull
            pull = _pull(moments, scale, penalty)
            lacking.div_(rise)
    return mask, moved.masked_fill_(mask, 0).div_(scale)


def _pull(moments: Tensor, scale: Tensor, penalty: float) -> Tensor:
    """Return ρ(H + ρ·I)⁻¹, H the moments of the scaled inputs."""
    shifted = (moments / scale).div_(scale[:, None])
    shifted.diagonal().add_(penalty)
    factor = torch.linalg.cholesky(shifted)
    del shifted
    return torch.cholesky_inverse(factor).mul_(penalty)


class AdmmMethod(Method[Admm]):
    """Compares the weights of the whole matrix; for an N:M pattern, those of each group."""

    def prune(self, layer: LayerStats, target: LayerTarget) -> PrunedMatrix:
        weight, moments = layer.target_weight, layer.second_moments
        ridge = self.options.ridge * layer.inputs_per_token
        if not moments.any():  # no input reaches this layer, so any support is as good
            return PrunedMatrix(_zeros_of(target, weight.numel())(weight.abs()))

        def attempt(damping: float) -> tuple[Tensor, Tensor]:
            with damped(moments, damping, ridge):
                return admm_support(weight, moments, _zeros_of(target, weight.numel()))

        (mask, kept), warnings = with_rising_damping(attempt)
        return PrunedMatrix(mask, kept, warnings)


def _zeros_of(target: LayerTarget, weights: int) -> Callable[[Tensor], Tensor]:
    group = group_of(target.pattern)
    if group is not None:
        return lambda sizes: lowest_of_each_group(sizes, *group)
    zeros = int(weights * target.sparsity) if target.zeros is None else target.zeros
    return lambda sizes: lowest_of_matrix(sizes, zeros)
