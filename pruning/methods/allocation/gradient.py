"""Gradient-guided allocation: layers whose weights hardly affect the loss are pruned more.

The saliency of a weight is |W_ij|·‖G_:,ij‖₂, G the gradients of the windows' losses. One threshold over all
layers is the quantile of the saliencies at the recipe's sparsity. The more of a layer's saliencies lie below
it, the more of the layer is pruned.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from pruning.methods.allocation.base import DenseModel
from pruning.methods.allocation.rounding import spread
from pruning.recipe.methods import GradientGuided, LossGuided

_HALF_WORD = 16


def gradient_guided_sparsities(
    options: GradientGuided | LossGuided, sparsity: float, dense: DenseModel
) -> Sequence[float]:
    """Return each layer's sparsity, which rises with its share of saliencies below the common threshold."""
    prunable = shares_up_to_common_threshold(lambda: _saliencies(dense), share=sparsity)
    return spread(prunable, dense.sizes, sparsity=sparsity, band=options.band)


def _saliencies(dense: DenseModel) -> Iterator[Tensor]:
    """Yield |W_ij|·‖G_:,ij‖₂ layer by layer: (outputs, inputs)."""
    for _, block in dense.resident_blocks():
        for layer in block.layers:
            weight = layer.matrix
            yield weight.abs() * dense.gradients["l2"][layer.name].to(weight.device)


def shares_up_to_common_threshold(saliencies: Callable[[], Iterator[Tensor]], *, share: float) -> list[float]:
    """Return each layer's share of saliencies up to the one of rank int(share · all), counted from 0.

    `saliencies()` yields those of each layer, non-negative, of any shape. It is called for each of three
    passes, so that only one layer's are in memory at a time.
    """
    threshold = _value_at_rank(saliencies, share)
    return [float((_bits(layer) <= threshold).double().mean()) for layer in saliencies()]


def _value_at_rank(saliencies: Callable[[], Iterator[Tensor]], share: float) -> int:
    """Find the bits of the saliency of that rank by two histograms: of the upper half, then of the lower."""
    upper = sum(_histogram(_bits(layer) >> _HALF_WORD) for layer in saliencies())
    assert isinstance(upper, Tensor)  # noqa: S101 - a model has layers
    rank = int(int(upper.sum()) * share)
    high = _bin_of(upper, rank)
    rank -= int(upper[:high].sum())
    lower = torch.zeros_like(upper)
    for layer in saliencies():
        bits = _bits(layer)
        lower += _histogram(bits[bits >> _HALF_WORD == high] & (2**_HALF_WORD - 1))
    return (high << _HALF_WORD) + _bin_of(lower, rank)


def _bits(saliencies: Tensor) -> Tensor:
    """Reinterpret as integers: non-negative float32 values sort as their bits do."""
    return saliencies.float().flatten().view(torch.int32)


def _histogram(halves: Tensor) -> Tensor:
    return torch.bincount(halves, minlength=2**_HALF_WORD).cpu()


def _bin_of(histogram: Tensor, rank: int) -> int:
    return int(torch.searchsorted(histogram.cumsum(0), rank, right=True))
