"""Move zeros between layers, from those that add much to a pruned model's loss to those that add little.

A layer's share of the loss is taken to rise with its sparsity s as exp(7·s), so that one more zero costs
7·share ÷ size. Where that is the same in every layer, no zero is better elsewhere. A single layer's share is
noisy, and a layer with too many zeros breaks the model; so the logarithm of share ÷ size is drawn towards
what its type and its depth make one expect, the more the noisier it is. docs/methods.md has the measurements.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from pruning.errors import NumericalFailure
from pruning.methods.results import PrunedLayer
from pruning.methods.rounding import zero_counts

_STEEPNESS = 7.0
_MAX_CHANGE = 0.2  # of the sparsity of a layer
_MAX_LOSS_OF_KEPT = 0.75  # that a layer loses of the weights that it has kept
_MIN_COST = 0.1  # of the median: a lower cost, or a negative one, is taken for this
_MIN_ERROR, _MAX_ERROR = 0.1, 1.0  # of a cost, relative to it
_MIN_VARIANCE = 0.01  # between layers of one type and depth


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
    before = torch.tensor([layer.sparsity for layer in layers], dtype=torch.float64)
    after = before + _moves(-costs / _STEEPNESS, before, of_size)
    return zero_counts(after.tolist(), sizes, total=sum(layer.zeros for layer in layers))


def _moves(wanted: Tensor, sparsities: Tensor, sizes: Tensor) -> Tensor:
    """Return wanted + c within each layer's bounds, with the c at which the total does not change."""
    lowest = -sparsities.clamp(max=_MAX_CHANGE)
    highest = (_MAX_LOSS_OF_KEPT * (1 - sparsities)).clamp(max=_MAX_CHANGE)
    low, high = float((lowest - wanted).min()), float((highest - wanted).max())
    for _ in range(80):
        middle = (low + high) / 2
        moved_zeros = float(((wanted + middle).clamp(lowest, highest) * sizes).sum())
        low, high = (middle, high) if moved_zeros <= 0 else (low, middle)
    moves: Tensor = (wanted + low).clamp(lowest, highest)
    return moves


def logarithms_of_costs(layers: Sequence[PrunedLayer], costs: Tensor) -> Tensor:
    """Return ln(cost) of each layer, (layers,), drawn towards a fit by type and depth.

    `costs`: (layers, windows). With y the logarithm of a layer's mean cost, e its standard error, f the fit
    and τ² the variance of y - f beyond that of noise, the result is f + (y - f)·τ² ÷ (τ² + e²). Of a layer
    at the least cost, such as an expert that no token reaches, nothing is known: its error is the largest,
    and τ² is of the others. Raises NumericalFailure, see `moved`.
    """
    mean = costs.mean(dim=1)
    least = _MIN_COST * mean.median()
    if not least > 0:
        raise NumericalFailure(
            "most layers add nothing to the loss of the first pruned model, so it does not say where zeros "
            "are better; use allocation 'gradient'"
        )
    log = mean.clamp(min=least).log()
    spread = costs.std(dim=1) / costs.shape[1] ** 0.5
    error = (spread / mean.clamp(min=least)).clamp(_MIN_ERROR, _MAX_ERROR)
    known = mean > least
    error[~known] = _MAX_ERROR
    fit = _by_type_and_depth(layers, log, 1 / error)
    variance = ((log - fit)[known].var(correction=0) - error.median() ** 2).clamp(min=_MIN_VARIANCE)
    drawn: Tensor = fit + (log - fit) * variance / (variance + error**2)
    return drawn


def _by_type_and_depth(layers: Sequence[PrunedLayer], values: Tensor, weights: Tensor) -> Tensor:
    """Return a number for each type of layer, plus a parabola over the blocks, by weighted least squares."""
    types = [".".join(part for part in layer.name.split(".") if not part.isdigit()) for layer in layers]
    columns = [[float(one == each) for one in types] for each in dict.fromkeys(types)]
    last = max(1, *(layer.block for layer in layers))
    depths = [layer.block / last - 0.5 for layer in layers]
    columns += [depths, [depth**2 for depth in depths]]
    terms = torch.tensor(columns, dtype=torch.float64).T
    # A type that only one block has admits several solutions; all of them fit alike.
    weighted, wanted = terms * weights[:, None], (values * weights)[:, None]
    factors: Tensor = torch.linalg.lstsq(weighted, wanted, driver="gelsd").solution
    return (terms @ factors)[:, 0]
