"""OWL (Yin et al., 2023, arXiv 2310.05175): blocks with more outliers are pruned less.

An outlier is a weight whose Wanda score |W_ij|·‖X_j‖₂ exceeds M times the mean score of its block, measured
on the dense model.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from pruning.calibration.activation_statistics import InputStatistics
from pruning.methods.allocation.base import DenseModel
from pruning.methods.wanda import wanda_scores
from pruning.recipe.methods import Owl


def owl_sparsities(options: Owl, sparsity: float, dense: DenseModel) -> Sequence[float]:
    """Return each layer's sparsity, which is the same for all layers of a block."""
    outliers, sizes = [], []
    with dense.calibration_walk() as walk:
        for index, block in dense.resident_blocks():
            if block.layers:
                statistics = InputStatistics(block.layers, {"input_norms"})
                walk.measure(index, statistics)
                scores = [
                    wanda_scores(layer.matrix, statistics.of(layer, "input_norms")) for layer in block.layers
                ]
                outliers.append(outlier_share(scores, threshold=options.threshold))
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
