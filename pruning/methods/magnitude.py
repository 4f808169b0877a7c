"""Magnitude pruning: the smallest weights of each matrix go, whatever they multiply."""

from typing import ClassVar

from torch import Tensor

from pruning.methods.base import LayerEvidence, ScoringMethod, implements
from pruning.patterns import ComparisonGroup
from pruning.recipe import Magnitude


def magnitude_scores(weight: Tensor) -> Tensor:
    """|W_ij|, shaped like `weight`."""
    return weight.abs()


@implements(Magnitude)
class MagnitudeMethod(ScoringMethod[Magnitude]):
    """One threshold for a whole matrix."""

    group: ClassVar[ComparisonGroup] = "matrix"

    def score(self, layer: LayerEvidence) -> Tensor:
        """See `magnitude_scores`."""
        return magnitude_scores(layer.weight)
