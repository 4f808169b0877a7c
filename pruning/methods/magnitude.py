"""Magnitude pruning: the smallest weights of each matrix go, whatever they multiply."""

from typing import ClassVar

from torch import Tensor

from pruning.masks.patterns import ComparisonGroup
from pruning.methods.base import LayerStats, ScoringMethod
from pruning.recipe.methods import Magnitude


def magnitude_scores(weight: Tensor) -> Tensor:
    """|W_ij|, shaped like `weight`."""
    return weight.abs()


class MagnitudeMethod(ScoringMethod[Magnitude]):
    """One threshold for a whole matrix."""

    group: ClassVar[ComparisonGroup] = "matrix"

    def score(self, layer: LayerStats) -> Tensor:
        """See `magnitude_scores`."""
        return magnitude_scores(layer.weight)
