"""Allocations: functions from their options and the dense model to a sparsity for every layer.

- `uniform`: every layer has the sparsity of the recipe.
- `owl_sparsities`: OWL (Yin et al., 2023, arXiv 2310.05175). Blocks with more outliers are pruned less; an
  outlier is a weight whose Wanda score |W_ij|·‖X_j‖₂ exceeds M times the mean score of its block, in the
  dense model.
- `gradient_guided_sparsities`: layers whose weights hardly affect the loss are pruned more. The saliency of
  a weight is |W_ij|·‖G_:,ij‖₂, G the gradients of the losses of the windows. One threshold over all layers
  is the quantile of the saliencies at the sparsity of the recipe; the more saliencies of a layer are below
  it, the more of it is pruned. A layer without gradients, such as an expert that no token reaches, has the
  sparsity of the recipe.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pkgutil import resolve_name
from typing import Any, Protocol

import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.calibration.activation_walk import BlockwiseForward
from pruning.calibration.window_norms import GradientNorms
from pruning.errors import NumericalFailure
from pruning.masks.patterns import LayerTarget
from pruning.methods.rounding import spread, zero_counts
from pruning.methods.scores import wanda_scores
from pruning.models.blocks import Block, Stack
from pruning.models.layers import LinearLayer
from pruning.models.placement import Placement
from pruning.recipe import AllocationOptions, Recipe
from pruning.recipe.methods import GradientGuided, Owl

OUTLIER_THRESHOLD = 5.0
"""OWL's M, as published for LLaMA: a score above this many times its block's mean is an outlier."""


@dataclass(frozen=True)
class DenseModel:
    """The model before pruning, with its gradient norms and calibration windows."""

    stack: Stack
    gradients: GradientNorms  # by norm and layer name; empty for an allocation that needs none
    placement: Placement
    calibration_walk: Callable[[], BlockwiseForward]  # the calibration windows before the first block

    @property
    def layers(self) -> Sequence[LinearLayer]:
        """The layers that will be pruned, in the order of the model."""
        return tuple(self.stack.layers)

    @property
    def sizes(self) -> Sequence[int]:
        """The number of weights of each layer."""
        return [layer.inputs * layer.outputs for layer in self.stack.layers]

    def resident_blocks(self) -> Iterator[tuple[int, Block]]:
        """Each block with its number, while its weights are on the device."""
        for index, block in enumerate(self.stack.blocks):
            with self.placement.resident(block.module, then=self.stack.module_after(index)):
                yield index, block


class Allocation(Protocol):
    """Spreads a sparsity over the layers of a model."""

    def __call__(self, options: Any, sparsity: float, dense: DenseModel) -> Sequence[float] | None:  # noqa: ANN401 - its own options
        """Return the sparsity of each layer of `dense.layers`, with `sparsity` as their mean by size.

        None: every layer has `sparsity`, rounded to whole weights by the method.
        """


def allocation_for(options: AllocationOptions) -> Allocation:
    """Return the allocation that these options describe, imported from `options.implementation`."""
    allocation: Allocation = resolve_name(options.implementation)
    return allocation


def uniform(options: AllocationOptions, sparsity: float, dense: DenseModel) -> None:
    """Every layer has the recipe's sparsity."""


def layer_targets(recipe: Recipe, dense: DenseModel) -> dict[str, LayerTarget]:
    """The target of each layer, by name.

    With a uniform allocation the method rounds the sparsity to whole weights. Any other allocation meets the
    recipe's overall sparsity exactly: its targets are numbers of zeros.
    """
    sparsities = allocation_for(recipe.allocation)(recipe.allocation, recipe.sparsity, dense)
    if sparsities is None:
        return {layer.name: LayerTarget(recipe.pattern, recipe.sparsity) for layer in dense.layers}
    counts = zero_counts(sparsities, dense.sizes, total=int(sum(dense.sizes) * recipe.sparsity))
    return {
        layer.name: LayerTarget(recipe.pattern, count / size, zeros=count)
        for layer, size, count in zip(dense.layers, dense.sizes, counts, strict=True)
    }


def owl_sparsities(options: Owl, sparsity: float, dense: DenseModel) -> Sequence[float]:
    """Return each layer's sparsity, which is the same for all layers of a block."""
    outliers, sizes = [], []
    with dense.calibration_walk() as walk:
        for index, block in dense.resident_blocks():
            if block.layers:
                statistics = InputStatistics(block.layers, {"input_norms"})
                walk.measure(index, statistics)
                statistics.refuse_uncalled()
                scores = [
                    wanda_scores(layer.matrix, statistics.of(layer, "input_norms")) for layer in block.layers
                ]
                outliers.append(outlier_share(scores, threshold=OUTLIER_THRESHOLD))
                sizes.append(sum(score.numel() for score in scores))
            if index + 1 < len(dense.stack.blocks):
                walk.advance(index)
    of_blocks = block_sparsities(outliers, sizes, sparsity=sparsity, band=options.band)
    pruned = (block for block in dense.stack.blocks if block.layers)
    return [value for value, block in zip(of_blocks, pruned, strict=True) for _ in block.layers]


def outlier_share(scores: Sequence[Tensor], *, threshold: float) -> float:
    """Return the share of a block's scores, one tensor per layer, above `threshold` times their mean."""
    count = sum(layer.numel() for layer in scores)
    mean = sum(float(layer.sum(dtype=torch.float64)) for layer in scores) / count
    return sum(int((layer > threshold * mean).sum()) for layer in scores) / count


def block_sparsities(
    outliers: Sequence[float], sizes: Sequence[int], *, sparsity: float, band: float
) -> list[float]:
    """Return each block's sparsity: the outlier shares scaled to [0, 2·band], centred and subtracted.

    The mean is weighted by `sizes`, the number of weights of each block, so that the overall sparsity stays
    `sparsity`.
    """
    lowest, highest = min(outliers), max(outliers)
    if lowest == highest:
        return [sparsity] * len(sizes)
    stretched = [2 * band * (share - lowest) / (highest - lowest) for share in outliers]
    mean = sum(value * size for value, size in zip(stretched, sizes, strict=True)) / sum(sizes)
    return [sparsity + mean - value for value in stretched]


_HALF_WORD = 16


def gradient_guided_sparsities(
    options: GradientGuided, sparsity: float, dense: DenseModel
) -> Sequence[float]:
    """Return each layer's sparsity, which rises with its share of saliencies below the common threshold."""
    prunable = shares_up_to_common_threshold(lambda: _saliencies(dense), share=sparsity)
    return spread(prunable, dense.sizes, sparsity=sparsity, band=options.band)


_Saliencies = Callable[[], Iterator[Tensor | None]]


def _saliencies(dense: DenseModel) -> Iterator[Tensor | None]:
    """Yield |W_ij|·‖G_:,ij‖₂ layer by layer: (outputs, inputs); None for a layer without gradients."""
    for _, block in dense.resident_blocks():
        for layer in block.layers:
            weight = layer.matrix
            norms = dense.gradients["l2"][layer.name].to(weight.device)
            least, most = norms.aminmax()  # NaN, if one is
            if not (least >= 0 and most < inf):
                raise NumericalFailure(f"layer {layer.name}: its gradient norms are negative or not finite")
            yield weight.abs() * norms if most > 0 else None


def shares_up_to_common_threshold(saliencies: _Saliencies, *, share: float) -> list[float | None]:
    """Return each layer's share of saliencies up to the one of rank int(share · all), counted from 0.

    `saliencies()` yields those of each layer, non-negative, of any shape; None for one that is left out. It
    is called for each of three passes, so that only one layer's are in memory at a time.
    """
    threshold = _value_at_rank(saliencies, share)
    return [
        None if layer is None else float((_bits(layer) <= threshold).double().mean())
        for layer in saliencies()
    ]


def _value_at_rank(saliencies: _Saliencies, share: float) -> int:
    """Find the bits of the saliency of that rank by two histograms: of the upper half, then of the lower."""
    upper = torch.zeros(2**_HALF_WORD, dtype=torch.int64)
    for bits in map(_bits, (layer for layer in saliencies() if layer is not None)):
        upper += _histogram(bits >> _HALF_WORD)
    rank = int(int(upper.sum()) * share)
    high = _bin_of(upper, rank)
    rank -= int(upper[:high].sum())
    lower = torch.zeros_like(upper)
    for bits in map(_bits, (layer for layer in saliencies() if layer is not None)):
        lower += _histogram(bits[bits >> _HALF_WORD == high] & (2**_HALF_WORD - 1))
    return (high << _HALF_WORD) + _bin_of(lower, rank)


def _bits(saliencies: Tensor) -> Tensor:
    """Reinterpret as integers: non-negative float32 values sort as their bits do."""
    return saliencies.float().flatten().view(torch.int32)


def _histogram(halves: Tensor) -> Tensor:
    return torch.bincount(halves, minlength=2**_HALF_WORD).cpu()


def _bin_of(histogram: Tensor, rank: int) -> int:
    return int(torch.searchsorted(histogram.cumsum(0), rank, right=True))
