"""Moves zeros between layers, from those that add much to a pruned model's loss to those that add little.

A layer's share of the loss is taken to rise with its sparsity s as exp(7·s), so that one more zero costs
7·share ÷ size. Where that is the same in every layer, no zero is better elsewhere. A single layer's share is
noisy, and a layer with too many zeros breaks the model; so the logarithm of share ÷ size is drawn towards
what its type and its depth make one expect, the more the noisier it is. docs/methods.md has the measurements.
"""

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from pruning.allocation.rounding import zero_counts
from pruning.blockwise.results import PrunedLayer
from pruning.errors import NumericalFailure

_STEEPNESS = 7.0
_FURTHEST = 0.2  # that a layer's sparsity moves
_LEAST = 0.1  # of the median: a share that is lower, or negative, is taken for this
_LEAST_ERROR, _LARGEST_ERROR = 0.1, 1.0  # of a share, relative to it
_LEAST_VARIANCE = 0.01  # between layers of one type and depth


def moved(layers: Sequence[PrunedLayer], shares: Tensor) -> list[int]:
    """Return numbers of zeros, as many in all, at which one more would cost about the same in every layer.

    Parameters
    ----------
    layers
        Of the pruned model.
    shares
        What each layer adds to the loss of each window: (layers, windows).

    Raises
    ------
    NumericalFailure
        Where most layers add nothing to the loss: nothing says then where zeros are better.
    """
    sizes = [layer.weights for layer in layers]
    of_size = torch.tensor(sizes, dtype=torch.float64)
    costs = logarithms_of_costs(layers, shares.double() / of_size[:, None])
    moves = ((costs * of_size).sum() / of_size.sum() - costs) / _STEEPNESS
    wanted = [
        layer.sparsity + move
        for layer, move in zip(layers, moves.clamp(-_FURTHEST, _FURTHEST).tolist(), strict=True)
    ]
    return zero_counts(wanted, sizes, total=sum(layer.zeros for layer in layers))


def logarithms_of_costs(layers: Sequence[PrunedLayer], costs: Tensor) -> Tensor:
    """Return ln(cost) of each layer, (layers,), drawn towards a fit by type and depth.

    `costs`: (layers, windows). With y the logarithm of a layer's mean cost, e its standard error, f the fit
    and τ² the variance of y - f beyond that of noise, the result is f + (y - f)·τ² ÷ (τ² + e²). Raises
    NumericalFailure, see `moved`.
    """
    mean = costs.mean(dim=1)
    least = _LEAST * mean.median()
    if not least > 0:
        raise NumericalFailure(
            "most layers add nothing to the loss of the first pruned model, so it does not say where zeros "
            "are better; use allocation 'gradient'"
        )
    log = mean.clamp(min=least).log()
    spread = costs.std(dim=1) / costs.shape[1] ** 0.5
    error = (spread / mean.clamp(min=least)).clamp(_LEAST_ERROR, _LARGEST_ERROR)
    fit = _by_type_and_depth(layers, log, 1 / error)
    variance = ((log - fit).var() - error.median() ** 2).clamp(min=_LEAST_VARIANCE)
    drawn: Tensor = fit + (log - fit) * variance / (variance + error**2)
    return drawn


def _by_type_and_depth(layers: Sequence[PrunedLayer], values: Tensor, weights: Tensor) -> Tensor:
    """Return a number for each type of layer, plus a parabola over the blocks, by weighted least squares."""
    types = [re.sub(r"\d+", "", layer.name) for layer in layers]
    columns = [[float(one == each) for one in types] for each in dict.fromkeys(types)]
    last = max(1, *(layer.block for layer in layers))
    depths = [layer.block / last - 0.5 for layer in layers]
    columns += [depths, [depth**2 for depth in depths]]
    terms = torch.tensor(columns, dtype=torch.float64).T
    # A type that only one block has leaves more than one solution; all of them fit alike.
    weighted, wanted = terms * weights[:, None], (values * weights)[:, None]
    factors: Tensor = torch.linalg.lstsq(weighted, wanted, driver="gelsd").solution
    return (terms @ factors)[:, 0]
