"""Magnitude pruning: prune the smallest weights of each matrix, regardless of their inputs."""

from typing import ClassVar

from torch import Tensor

from pruning.masks.patterns import ComparisonGroup
from pruning.methods.base import LayerStats, ScoringMethod
from pruning.recipe.methods import Magnitude


def magnitude_scores(weight: Tensor) -> Tensor:
    """|W_ij|, shaped like `weight`."""
    return weight.abs()


class MagnitudeMethod(ScoringMethod[Magnitude]):
    """Compares the weights of the whole matrix."""

    group: ClassVar[ComparisonGroup] = "matrix"

    def score(self, layer: LayerStats) -> Tensor:
        return magnitude_scores(layer.weight)
